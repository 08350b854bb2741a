#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"

namespace loopscope {

/// Shows counters of stalls that come into being with a value at 0 first, to scrapers that keep
/// series: what a series begins with is lost to increase(), because Prometheus cannot know that
/// it was 0 before.
///
/// A series that a scraper has not seen yet is 0 for it until it has surely been back. Scrapers
/// are told apart by a name that two of them may share (two Prometheus servers behind one
/// address); of two in turn each comes back within twice the longest gap between scrapes, so a
/// series is held for 1.5 such gaps, which is two scrapes of a single one. What a scraper meets
/// when it comes for the first time is held only if Loopscope itself is new: else it may have
/// happened at any time, and would be counted as if it had happened now.
/// Thread-safe.
class NewbornCounters {
 public:
  /// Whoever stays away for longer is as good as new, and so is a series.
  static constexpr Nanos kForgotten = std::chrono::minutes(15);
  /// What happened within this time before a scraper came first is taken for news.
  static constexpr Nanos kNew = std::chrono::minutes(5);
  /// Gaps remembered of each scraper.
  static constexpr std::size_t kGaps = 8;
  static constexpr std::size_t kMaxScrapers = 16;

  explicit NewbornCounters(Nanos started) : started_(started) {}

  /// A scrape of `scraper`, not empty, at `now`: sets what is held to 0 in `families`.
  void hold(const std::string& scraper, std::vector<prometheus::MetricFamily>& families, Nanos now);

 private:
  struct Series {
    Nanos first_shown{0};
    Nanos last_shown{0};
    bool is_held = false;
  };
  struct Scraper {
    Nanos last{0};
    std::deque<Nanos> gaps;
    std::unordered_map<std::uint64_t, Series> series;
  };

  Scraper& scraper_of(const std::string& name, Nanos now);
  static bool is_held(Series& series, const Scraper& scraper, Nanos now);

  const Nanos started_;
  std::mutex mutex_;
  std::map<std::string, Scraper> scrapers_;
};

}  // namespace loopscope
