#include "apps/server/work_request.h"

#include <memory>
#include <utility>

namespace loopscope::server {
namespace {

struct WorkRequest {
  uv_work_t request{};
  std::function<void()> work, done;
};

}  // namespace

void run_in_pool(uv_loop_t* loop, std::function<void()> work, std::function<void()> done) {
  auto owned = std::make_unique<WorkRequest>();
  owned->work = std::move(work);
  owned->done = std::move(done);
  owned->request.data = owned.get();
  uv_queue_work(
      loop, &owned.release()->request,
      [](uv_work_t* request) { static_cast<WorkRequest*>(request->data)->work(); },
      [](uv_work_t* request, int) {
        const std::unique_ptr<WorkRequest> ended(static_cast<WorkRequest*>(request->data));
        ended->done();
      });
}

}  // namespace loopscope::server
