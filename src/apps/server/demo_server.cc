#include "apps/server/demo_server.h"

#include <string_view>
#include <utility>

#include "apps/server/phase_block.h"
#include "apps/server/request_params.h"

namespace loopscope::server {
namespace {

constexpr std::string_view kHello =
    "loopscope-server\n"
    "\n"
    "GET /compute?ms=N&strategy=inline|thread|process|queue\n"
    "GET /jobs/ID\n"
    "GET /block?phase=timers|pending|idle_prepare|poll|check|closing&ms=N[&mode=spin|sleep]\n";

}  // namespace

DemoServer::DemoServer(uv_loop_t* loop)
    : loop_(loop),
      compute_(loop),
      listener_(loop, HttpLimits{},
                [this](const HttpRequest& request, Reply reply) {
                  router_.route(request, std::move(reply));
                }),
      signals_(loop, [this] { stop(); }) {
  router_.get("/", [](const HttpRequest&, const Reply& reply) {
    HttpResponse response;
    response.body = kHello;
    reply(std::move(response));
  });
  router_.get("/compute", [this](const HttpRequest& request, const Reply& reply) {
    compute_.on_compute(request, reply);
  });
  router_.get("/jobs/", [this](const HttpRequest& request, const Reply& reply) {
    compute_.on_job(request, reply);
  });
  router_.get("/block",
              [this](const HttpRequest& request, const Reply& reply) { on_block(request, reply); });
  uv_timer_init(loop, &grace_);
  grace_.data = this;
}

void DemoServer::stop() {
  if (stopping_) return abort();
  stopping_ = true;
  uv_timer_start(
      &grace_, [](uv_timer_t* timer) { static_cast<DemoServer*>(timer->data)->abort(); },
      static_cast<std::uint64_t>(kGrace.count()), 0);
  listener_.stop([this] {
    compute_.cancel();
    signals_.close();
    uv_close(reinterpret_cast<uv_handle_t*>(&grace_), nullptr);
    if (on_stopped_) on_stopped_();
  });
}

void DemoServer::on_block(const HttpRequest& request, const Reply& reply) {
  const auto phase = read_phase(request);
  const auto time = read_block_time(request);
  const auto mode = read_mode(request);
  if (!phase) return reply(error_response(400, phase.error().message));
  if (!time) return reply(error_response(400, time.error().message));
  if (!mode) return reply(error_response(400, mode.error().message));
  block_in_phase(loop_, *phase, *time, *mode, reply);
}

void DemoServer::abort() {
  compute_.cancel();
  listener_.abort();
}

}  // namespace loopscope::server
