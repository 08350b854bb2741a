#include "export/newborn_counters.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <string>

#include "export/metric_catalogue.h"
#include "export/prometheus_bridge.h"
#include "unit/export/sample_snapshot.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

/// What Prometheus makes of a counter: its increase from the first scrape to the last.
class Increase {
 public:
  void scraped(double value) {
    if (!std::isnan(last_)) sum_ += value >= last_ ? value - last_ : value;
    last_ = value;
  }
  double value() const { return sum_; }

 private:
  double last_ = std::numeric_limits<double>::quiet_NaN();
  double sum_ = 0;
};

/// Loopscope with one loop, and what it is asked for.
class NewbornCountersTest : public testing::Test {
 protected:
  /// A stall of 0.7 s by one function, at this moment.
  void stall() { time_ += 700ms; }
  void scrape(const std::string& scraper) {
    Snapshot snapshot;
    LoopSnapshot& loop = snapshot.loops.emplace_back();
    loop.labels = {"shop", 1, "main", {}};
    loop.stats.active_time = now_;
    if (time_ > 0ns) {
      loop.stats.culprits = {{"compute", "/srv/app.js", 10, "", time_}};
      loop.stats.stalls[static_cast<std::size_t>(Phase::kPoll)]
                       [static_cast<std::size_t>(Cause::kCpu)] = {1, time_};
    }
    auto families = loop_families(snapshot);
    newborn_.hold(scraper, families, now_);
    for (const auto& family : families) {
      if (family.name == metric(MetricId::kStallCulpritTime).name) {
        seen_[scraper].scraped(family.metric.at(0).counter.value);
      }
      if (family.name == metric(MetricId::kTime).name) {
        EXPECT_EQ(family.metric.at(0).counter.value, std::chrono::duration<double>(now_).count())
            << "nothing but stalls is held";
      }
    }
  }
  void pass(Nanos time) { now_ += time; }

  Nanos now_ = 1h;
  Nanos time_{0};
  NewbornCounters newborn_{0s};
  std::map<std::string, Increase> seen_;
};

TEST_F(NewbornCountersTest, TheFirstStallIsSeen) {
  for (const Nanos interval : {Nanos(1s), Nanos(15s), Nanos(60s)}) {
    const std::string scraper = std::to_string(interval.count());
    for (int i = 0; i < 4; ++i, pass(interval)) scrape(scraper);
    time_ = 0s;
    stall();
    for (int i = 0; i < 4; ++i, pass(interval)) scrape(scraper);
    EXPECT_DOUBLE_EQ(seen_[scraper].value(), 0.7) << scraper;
    stall();
    scrape(scraper);
    EXPECT_DOUBLE_EQ(seen_[scraper].value(), 1.4) << "at once from then on";
    pass(20min);
  }
}

TEST_F(NewbornCountersTest, TwoOfOneNameBothSeeIt) {
  for (const Nanos apart : {Nanos(1s), Nanos(5s), Nanos(7500ms), Nanos(14s)}) {
    NewbornCounters newborn(0s);
    Increase first;
    Increase second;
    const auto show = [&](Increase& to, double value) {
      std::vector<prometheus::MetricFamily> families(1);
      families[0].name = metric(MetricId::kStallCulpritTime).name;
      families[0].metric.resize(1);
      families[0].metric[0].counter.value = value;
      if (value == 0) families.clear();  // not there yet
      newborn.hold("both", families, now_);
      if (!families.empty()) to.scraped(families[0].metric[0].counter.value);
    };
    for (int turn = 0; turn < 12; ++turn) {
      const double value = turn < 6 ? 0 : 0.7;
      show(first, value);
      pass(apart);
      show(second, value);
      pass(15s - apart);
    }
    EXPECT_DOUBLE_EQ(first.value(), 0.7) << apart.count();
    EXPECT_DOUBLE_EQ(second.value(), 0.7) << apart.count();
  }
}

TEST_F(NewbornCountersTest, ScrapersOfOtherIntervalsBothSeeIt) {
  for (int second = 0; second < 400; ++second, pass(1s)) {
    if (second == 130) stall();
    scrape("fast");
    if (second % 60 == 7) scrape("slow");
  }
  EXPECT_DOUBLE_EQ(seen_["fast"].value(), 0.7);
  EXPECT_DOUBLE_EQ(seen_["slow"].value(), 0.7);
}

// What happened before somebody looked first is no news, or it would be counted with every
// Prometheus that is started.
TEST_F(NewbornCountersTest, NothingIsMadeUpForWhoComesLate) {
  stall();
  for (int i = 0; i < 6; ++i, pass(15s)) scrape("late");
  EXPECT_DOUBLE_EQ(seen_["late"].value(), 0);
  stall();
  for (int i = 0; i < 3; ++i, pass(15s)) scrape("late");
  EXPECT_DOUBLE_EQ(seen_["late"].value(), 0.7);
}

TEST_F(NewbornCountersTest, WhatHappenedJustAfterTheStartIsNews) {
  now_ = 10s;  // since Loopscope was started
  stall();
  for (int i = 0; i < 6; ++i, pass(15s)) scrape("early");
  EXPECT_DOUBLE_EQ(seen_["early"].value(), 0.7);
}

// A program that is started anew has the series, and the counter, of its predecessor.
TEST_F(NewbornCountersTest, ASeriesThatComesBackGoesOn) {
  for (int i = 0; i < 4; ++i, pass(15s)) scrape("it");
  stall();
  for (int i = 0; i < 4; ++i, pass(15s)) scrape("it");
  const Nanos kept = std::exchange(time_, Nanos(0));
  for (int i = 0; i < 10; ++i, pass(15s)) scrape("it");
  time_ = kept;
  stall();
  scrape("it");
  EXPECT_DOUBLE_EQ(seen_["it"].value(), 1.4);
}

TEST_F(NewbornCountersTest, MemoryIsBounded) {
  for (int i = 0; i < 1000; ++i) scrape("scraper " + std::to_string(i));
  stall();
  scrape("scraper 999");
  EXPECT_DOUBLE_EQ(seen_["scraper 999"].value(), 0);
}

}  // namespace
}  // namespace loopscope
