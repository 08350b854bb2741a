#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <string>

#include "apps/server/compute.h"
#include "apps/server/server_app.h"
#include "apps/server/server_config.h"
#include "base/version.h"

namespace loopscope::server {
namespace {

constexpr int kUsageError = 2;

constexpr const char* kDescription =
    "A small HTTP server on libuv that embeds Loopscope: it blocks its event loop on request\n"
    "and shows the effect in its metrics.";
constexpr const char* kFooter =
    "\nWith --cluster N, N worker processes accept from one socket; a worker that dies is\n"
    "started again. The metrics address then shows the eventloop_* series of all workers\n"
    "(labels pid and loop=\"worker-1\"...), and loopscope_source_success tells which of them\n"
    "answered.\n\n"
    "SIGTERM and SIGINT end it gracefully, within five seconds. Command line options override\n"
    "the file. Exit codes: 0 ended by a signal, 1 runtime failure, 2 bad command line or file.";

struct Arguments {
  std::string config, listen, metrics_listen, cluster;
  int compute_child = -1;
  unsigned worker = 0;
};

Result<ServerConfig> read_settings(const Arguments& arguments) {
  ServerConfig config;
  if (!arguments.config.empty()) {
    auto read = read_server_config_file(arguments.config);
    if (!read) return read.error();
    config = *read;
  }
  if (!arguments.listen.empty()) {
    auto listen = parse_listen_address(arguments.listen);
    if (!listen) return Error{"--listen: " + listen.error().message};
    config.listen = *listen;
  }
  if (!arguments.metrics_listen.empty()) {
    auto listen = parse_listen_address(arguments.metrics_listen);
    if (!listen) return Error{"--metrics-listen: " + listen.error().message};
    config.metrics_listen = *listen;
  }
  if (!arguments.cluster.empty()) {
    auto cluster = parse_cluster(arguments.cluster);
    if (!cluster) return Error{"--cluster: " + cluster.error().message};
    config.cluster = *cluster;
  }
  return config;
}

int run(int argc, char** argv) {
  Arguments arguments;
  CLI::App app(kDescription, "loopscope-server");
  app.footer(kFooter);
  app.set_version_flag("--version", std::string("loopscope-server ") + kVersion);
  app.add_option("--config", arguments.config, "YAML file with listen, metrics_listen and cluster")
      ->type_name("FILE");
  app.add_option("--listen", arguments.listen,
                 "address to serve on (default 127.0.0.1:3000); port 0 picks a free one")
      ->type_name("IP:PORT");
  app.add_option("--metrics-listen", arguments.metrics_listen,
                 "address of /metrics (default 127.0.0.1:15668)")
      ->type_name("IP:PORT");
  app.add_option("--cluster", arguments.cluster, "number of worker processes (default: none)")
      ->type_name("N");
  app.add_option("--worker", arguments.worker)->group("");  // started by --cluster
  app.add_option("--compute-child", arguments.compute_child)->group("");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsageError;
  }
  if (arguments.compute_child >= 0) {
    return run_compute_child(std::chrono::milliseconds(arguments.compute_child));
  }
  if (arguments.worker > 0) return run_worker(arguments.worker);
  const auto config = read_settings(arguments);
  if (!config) {
    std::fprintf(stderr, "loopscope-server: %s\n", config.error().message.c_str());
    return kUsageError;
  }
  return config->cluster > 0 ? run_cluster(*config) : run_single(*config);
}

}  // namespace
}  // namespace loopscope::server

int main(int argc, char** argv) {
  try {
    return loopscope::server::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "loopscope-server: %s\n", error.what());
    return 1;
  }
}
