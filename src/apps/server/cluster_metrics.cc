#include "apps/server/cluster_metrics.h"

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "apps/server/metrics_merge.h"
#include "apps/server/text_fetch.h"

namespace loopscope::server {
namespace {

constexpr std::chrono::milliseconds kScrapeTimeout{1'000};

/// The answers of the workers as they come in.
struct Gathering {
  Reply reply;
  MetricsMerge merge;
  std::string success;
  std::size_t left = 0;

  void add(unsigned index, const Result<std::string>& text) {
    if (text) merge.add(*text);
    success += "loopscope_source_success{source=\"worker-" + std::to_string(index) + "\"} " +
               (text ? "1" : "0") + "\n";
    if (--left > 0) return;
    HttpResponse response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = merge.text() +
                    "# HELP loopscope_source_success Whether the worker's metrics could be "
                    "read.\n# TYPE loopscope_source_success gauge\n" +
                    success;
    reply(std::move(response));
  }
};

}  // namespace

void ClusterMetrics::scrape(const Reply& reply) const {
  auto gathering = std::make_shared<Gathering>();
  gathering->reply = reply;
  const auto workers = cluster_.workers();
  gathering->left = workers.size();
  for (const auto& worker : workers) {
    const auto done = [gathering, index = worker.index](const Result<std::string>& text) {
      gathering->add(index, text);
    };
    if (worker.metrics) {
      fetch_text(loop_, *worker.metrics, "/metrics", kScrapeTimeout, done);
    } else {
      done(Error{"not running"});
    }
  }
}

}  // namespace loopscope::server
