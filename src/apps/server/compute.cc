#include "apps/server/compute.h"

#include <charconv>
#include <csignal>
#include <nlohmann/json.hpp>

#include "apps/server/request_params.h"
#include "apps/server/spin.h"
#include "apps/server/work_request.h"

namespace loopscope::server {
namespace {

using std::chrono::milliseconds;

HttpResponse computed(std::string_view strategy, milliseconds time, std::uint64_t started_ns) {
  const nlohmann::json body = {{"strategy", strategy},
                               {"ms", time.count()},
                               {"started_ns", started_ns},
                               {"ended_ns", uv_hrtime()}};
  return HttpResponse::json(200, body.dump() + "\n");
}

HttpResponse job_response(int status, const JobQueue::Job& job) {
  const std::string path = "/jobs/" + std::to_string(job.id);
  const nlohmann::json body = {{"id", job.id},
                               {"ms", job.time.count()},
                               {"state", to_string(job.state)},
                               {"location", path}};
  HttpResponse response = HttpResponse::json(status, body.dump() + "\n");
  if (status == 202) response.headers.emplace_back("Location", path);
  return response;
}

}  // namespace

Compute::Compute(uv_loop_t* loop)
    : loop_(loop),
      cancelled_(std::make_shared<std::atomic<bool>>(false)),
      jobs_(loop, cancelled_) {}

void Compute::on_compute(const HttpRequest& request, const Reply& reply) {
  const auto time = read_block_time(request);
  if (!time) return reply(error_response(400, time.error().message));
  const std::string_view strategy = request.param("strategy", "inline");
  if (strategy == "inline") {
    const std::uint64_t started_ns = uv_hrtime();
    block_thread(*time, BlockMode::kSpin);
    return reply(computed(strategy, *time, started_ns));
  }
  if (strategy == "thread") return in_thread(*time, reply);
  if (strategy == "process") return in_child(*time, reply);
  if (strategy == "queue") return in_queue(*time, reply);
  reply(error_response(400, "strategy must be inline, thread, process or queue"));
}

void Compute::in_thread(milliseconds time, const Reply& reply) {
  if (thread_work_ >= kMaxThreadWork) {
    return reply(error_response(429, "too many computations under way"));
  }
  ++thread_work_;
  run_in_pool(
      loop_,
      [time, cancelled = cancelled_] { block_thread(time, BlockMode::kSpin, cancelled.get()); },
      [this, time, reply, started_ns = uv_hrtime()] {
        --thread_work_;
        reply(computed("thread", time, started_ns));
      });
}

void Compute::in_child(milliseconds time, const Reply& reply) {
  if (children_.size() >= kMaxChildren) {
    return reply(error_response(429, "too many child processes under way"));
  }
  children_.emplace_back();
  const auto child = std::prev(children_.end());
  std::vector<uv_stdio_container_t> stdio(3);
  for (auto& stream : stdio) stream.flags = UV_IGNORE;
  child->start(loop_, {"--compute-child", std::to_string(time.count())}, std::move(stdio),
               [this, child, time, reply, started_ns = uv_hrtime()](const ChildExit& exit) {
                 children_.erase(child);
                 reply(exit.clean() ? computed("process", time, started_ns)
                                    : error_response(500, "the child process " + exit.to_string()));
               });
}

void Compute::in_queue(milliseconds time, const Reply& reply) {
  const auto id = jobs_.add(time);
  if (!id) return reply(error_response(429, "the job queue is full"));
  reply(job_response(202, *jobs_.find(*id)));
}

void Compute::on_job(const HttpRequest& request, const Reply& reply) {
  const std::string_view text =
      std::string_view(request.path).substr(std::string_view("/jobs/").size());
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  const bool valid = error == std::errc() && end == text.data() + text.size();
  const JobQueue::Job* job = valid ? jobs_.find(id) : nullptr;
  if (job == nullptr) return reply(error_response(404, "no such job, or it finished long ago"));
  reply(job_response(200, *job));
}

void Compute::cancel() {
  cancelled_->store(true, std::memory_order_relaxed);
  jobs_.drop_waiting();
  for (ChildProcess& child : children_) child.kill(SIGKILL);
}

int run_compute_child(milliseconds time) {
  block_thread(time, BlockMode::kSpin);
  return 0;
}

}  // namespace loopscope::server
