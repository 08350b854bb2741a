#include "apps/server/server_app.h"

#include <sys/socket.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

#include "apps/server/cluster_metrics.h"
#include "apps/server/cluster_supervisor.h"
#include "apps/server/control_pipe.h"
#include "apps/server/demo_server.h"
#include "apps/server/http_listener.h"
#include "apps/server/router.h"
#include "apps/server/stop_signals.h"
#include "base/unique_fd.h"
#include "loopscope/loop_monitor.h"
#include "loopscope/metrics_server.h"

namespace loopscope::server {
namespace {

using std::chrono::milliseconds;

constexpr int kRuntimeFailure = 1;

void say(const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); }

int fail(const std::string& why) {
  say("loopscope-server: " + why);
  return kRuntimeFailure;
}

/// Owns a loop for the length of main().
class Loop {
 public:
  Loop() { uv_loop_init(&loop_); }
  ~Loop() { uv_loop_close(&loop_); }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  uv_loop_t* get() { return &loop_; }
  void run() { uv_run(&loop_, UV_RUN_DEFAULT); }

 private:
  uv_loop_t loop_{};
};

}  // namespace

int run_single(const ServerConfig& config) {
  auto fd = bind_socket(config.listen);
  if (!fd) return fail(fd.error().message);
  UniqueFd socket(*fd);
  const auto address = socket_address(socket.get());

  Loop loop;
  LoopMonitor monitor(loop.get(), {.process = "loopscope-server"});
  const MetricsServer metrics(config.metrics_listen.to_string(), monitor);
  if (!metrics.error().empty()) return fail(metrics.error());
  DemoServer server(loop.get());
  if (auto ok = server.listen(socket.release()); !ok) return fail(ok.error().message);
  say("listening on http://" + *address);
  say("metrics on http://" + metrics.address() + "/metrics");
  loop.run();
  monitor.detach();
  return 0;
}

int run_worker(unsigned index) {
  Loop loop;
  LoopMonitor monitor(loop.get(), {.process = "loopscope-server",
                                   .slot = static_cast<int>(index),
                                   .loop = "worker-" + std::to_string(index)});
  const MetricsServer metrics("127.0.0.1:0", monitor);
  if (!metrics.error().empty()) return fail(metrics.error());
  DemoServer server(loop.get());
  if (auto ok = server.listen(kWorkerListenFd); !ok) return fail(ok.error().message);
  ControlPipe control(loop.get(), kWorkerControlFd, "metrics " + metrics.address() + "\n",
                      [&] { server.stop(); });
  server.on_stopped([&] { control.close(); });
  loop.run();
  monitor.detach();
  return 0;
}

int run_cluster(const ServerConfig& config) {
  auto fd = bind_socket(config.listen);
  if (!fd) return fail(fd.error().message);
  const UniqueFd socket(*fd);
  if (::listen(socket.get(), kListenBacklog) != 0) {
    return fail("cannot listen on " + config.listen.to_string());
  }
  auto metrics_fd = bind_socket(config.metrics_listen);
  if (!metrics_fd) return fail(metrics_fd.error().message);
  UniqueFd metrics_socket(*metrics_fd);
  const auto metrics_address = socket_address(metrics_socket.get());

  Loop loop;
  ClusterSupervisor cluster(loop.get(), socket.get(), config.cluster, say);
  const ClusterMetrics metrics(loop.get(), cluster);
  Router router;
  router.get("/metrics", [&](const HttpRequest&, const Reply& reply) { metrics.scrape(reply); });
  router.get("/-/healthy", [](const HttpRequest&, const Reply& reply) {
    HttpResponse response;
    response.body = "ok\n";
    reply(std::move(response));
  });
  HttpListener listener(loop.get(), HttpLimits{}, [&](const HttpRequest& request, Reply reply) {
    router.route(request, std::move(reply));
  });
  if (auto ok = listener.listen(metrics_socket.release()); !ok) return fail(ok.error().message);

  bool stopping = false;
  std::unique_ptr<StopSignals> signals;
  signals = std::make_unique<StopSignals>(loop.get(), [&] {
    if (stopping) return cluster.kill_all();
    stopping = true;
    // Workers take their own grace first; what is left a second later is killed.
    cluster.stop(kGrace + milliseconds(1'000), [&] {
      signals->close();
      listener.stop([] {});
      listener.abort();
    });
  });
  cluster.start();
  say("listening on http://" + *socket_address(socket.get()));
  say("metrics on http://" + *metrics_address + "/metrics");
  loop.run();
  return 0;
}

}  // namespace loopscope::server
