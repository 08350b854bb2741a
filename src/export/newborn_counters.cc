#include "export/newborn_counters.h"

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>

#include "export/metric_catalogue.h"

namespace loopscope {
namespace {

/// Counters of events that are rare enough for the first one to matter.
bool counts_events(std::string_view name) {
  constexpr std::array kIds = {MetricId::kStalls, MetricId::kStallTime, MetricId::kStallDuration,
                               MetricId::kStallCulpritTime};
  return std::ranges::any_of(kIds, [name](MetricId id) { return metric(id).name == name; });
}

std::uint64_t identity(std::string_view name, const prometheus::ClientMetric& series) {
  const std::hash<std::string_view> hash;
  std::uint64_t out = hash(name);
  const auto mix = [&](std::string_view text) {
    out = (out ^ hash(text)) * 0x9E3779B97F4A7C15ULL;
    out ^= out >> 29U;
  };
  for (const auto& label : series.label) {
    mix(label.name);
    mix(label.value);
  }
  return out;
}

void show_nothing(prometheus::ClientMetric& series) {
  series.counter.value = 0;
  series.histogram.sample_count = 0;
  series.histogram.sample_sum = 0;
  for (auto& bucket : series.histogram.bucket) bucket.cumulative_count = 0;
}

}  // namespace

void NewbornCounters::hold(const std::string& name, std::vector<prometheus::MetricFamily>& families,
                           Nanos now) {
  const std::lock_guard lock(mutex_);
  Scraper& scraper = scraper_of(name, now);
  const bool holds_new = !scraper.gaps.empty() || now - started_ < kNew;
  for (auto& family : families) {
    if (!counts_events(family.name)) continue;
    for (auto& series : family.metric) {
      const auto entry =
          scraper.series.try_emplace(identity(family.name, series), Series{now, now, holds_new})
              .first;
      entry->second.last_shown = now;
      if (is_held(entry->second, scraper, now)) show_nothing(series);
    }
  }
  std::erase_if(scraper.series,
                [now](const auto& it) { return now - it.second.last_shown > kForgotten; });
}

NewbornCounters::Scraper& NewbornCounters::scraper_of(const std::string& name, Nanos now) {
  std::erase_if(scrapers_, [now](const auto& it) { return now - it.second.last > kForgotten; });
  auto found = scrapers_.find(name);
  if (found == scrapers_.end()) {
    if (scrapers_.size() >= kMaxScrapers) {
      scrapers_.erase(
          std::ranges::min_element(scrapers_, {}, [](const auto& it) { return it.second.last; }));
    }
    found = scrapers_.emplace(name, Scraper{.last = now, .gaps = {}, .series = {}}).first;
    return found->second;
  }
  Scraper& scraper = found->second;
  scraper.gaps.push_back(now - scraper.last);
  if (scraper.gaps.size() > kGaps) scraper.gaps.pop_front();
  scraper.last = now;
  return scraper;
}

bool NewbornCounters::is_held(Series& series, const Scraper& scraper, Nanos now) {
  if (!series.is_held) return false;
  if (scraper.gaps.empty()) return true;
  const Nanos longest = *std::ranges::max_element(scraper.gaps);
  series.is_held = now - series.first_shown < longest + longest / 2;
  return series.is_held;
}

}  // namespace loopscope
