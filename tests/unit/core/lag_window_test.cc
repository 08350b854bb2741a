#include "core/lag_window.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "base/duration.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

/// Adds busy periods and remembers them, to say what the figures have to be.
class KnownPeriods {
 public:
  void wait(LagWindow& window, Nanos end, Nanos time) {
    window.add_waiting(end, time);
    time_ += in_seconds(time);
  }
  void busy(LagWindow& window, Nanos end, double length) {
    window.add_busy(end, length, 1);
    lengths_.push_back(length);
    time_ += length;
  }
  /// By bisection: time with a lag above x is the sum of what exceeds it.
  double quantile(double q) const {
    double low = 0, high = 1000;
    for (int i = 0; i < 100; ++i) {
      const double x = (low + high) / 2;
      double above = 0;
      for (const double length : lengths_) above += std::max(length - x, 0.0);
      (above > (1 - q) * time_ ? low : high) = x;
    }
    return high;
  }
  double moment(int power) const {
    double sum = 0;
    for (const double length : lengths_) sum += std::pow(length, power + 1) / (power + 1);
    return sum / time_;
  }

 private:
  std::vector<double> lengths_;
  double time_ = 0;
};

TEST(LagWindow, SaysNothingWithoutObservations) {
  const LagWindow window;
  EXPECT_FALSE(window.summary(0s, 0s).has_value());
  EXPECT_FALSE(window.summary(1000s, 0s).has_value());
}

TEST(LagWindow, AnIdleLoopHasNoLag) {
  LagWindow window;
  window.add_waiting(10s, 3s);
  const auto lag = window.summary(10s, 0s);
  ASSERT_TRUE(lag.has_value());
  for (const Nanos figure : {lag->mean, lag->stddev, lag->p50, lag->p90, lag->p99}) {
    EXPECT_EQ(figure, 0ns);
  }
  EXPECT_EQ(lag->busy_share, 0);
}

TEST(LagWindow, OneStallInFifteenSeconds) {
  LagWindow window;
  window.add_waiting(114500ms, 14500ms);
  window.add_busy(115s, 0.5, 1);
  const auto lag = window.summary(115s, 0s);
  ASSERT_TRUE(lag.has_value());
  const double mean = 0.5 * 0.5 / 2 / 15;
  EXPECT_NEAR(in_seconds(lag->mean), mean, 1e-6);
  EXPECT_NEAR(in_seconds(lag->stddev), std::sqrt(0.5 * 0.5 * 0.5 / 3 / 15 - mean * mean), 1e-6);
  EXPECT_EQ(lag->p50, 0ns);
  EXPECT_EQ(lag->p90, 0ns);
  EXPECT_NEAR(in_seconds(lag->p99), 0.35, 1e-6) << "150 ms of the time had a larger one";
  EXPECT_NEAR(lag->busy_share, 1.0 / 30, 1e-6);
}

TEST(LagWindow, TheStallInProgressCounts) {
  LagWindow window;
  window.add_waiting(100s, 10s);
  const auto lag = window.summary(130s, 30s);
  ASSERT_TRUE(lag.has_value());
  EXPECT_NEAR(in_seconds(lag->mean), 30.0 * 30 / 2 / 40, 1e-6);
  EXPECT_NEAR(in_seconds(lag->p50), 10, 1e-5);
  EXPECT_NEAR(lag->busy_share, 0.75, 1e-9);
  const LagWindow nothing;
  EXPECT_NEAR(in_seconds(nothing.summary(1s, 1s)->p90), 0.9, 1e-6);
}

TEST(LagWindow, ForgetsWhatIsOlderThanAMinute) {
  LagWindow window;
  window.add_busy(100s, 2, 1);
  window.add_busy(140s, 1, 1);
  EXPECT_NEAR(in_seconds(window.summary(160s, 0s)->mean), (4.0 / 2 + 1.0 / 2) / 3, 1e-6);
  EXPECT_NEAR(in_seconds(window.summary(166s, 0s)->mean), 0.5, 1e-6);
  EXPECT_FALSE(window.summary(206s, 0s).has_value());
}

TEST(LagWindow, ALongWaitFillsTheWindowOnce) {
  LagWindow window;
  window.add_waiting(7203s, 7200s);
  EXPECT_NEAR(window.summary(7203s, 20s)->busy_share, 0.25, 1e-9) << "20 s beside 60 s";
  EXPECT_NEAR(window.summary(7243s, 20s)->busy_share, 0.5, 0.1) << "two thirds are too old";
}

TEST(LagWindow, ManyEqualPeriodsCountLikeSingleOnes) {
  LagWindow together, single;
  together.add_busy(10s, 0.02, 100);
  for (int i = 0; i < 100; ++i) single.add_busy(10s, 0.02, 1);
  const auto a = together.summary(10s, 0s), b = single.summary(10s, 0s);
  EXPECT_NEAR(in_seconds(a->mean), in_seconds(b->mean), 1e-7);
  EXPECT_NEAR(in_seconds(a->p90), in_seconds(b->p90), 1e-7);
  EXPECT_NEAR(in_seconds(a->p90), 0.018, 1e-6);
}

TEST(LagWindow, FiguresOfRandomPeriodsStayWithinTheirBounds) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 200; ++round) {
    LagWindow window;
    KnownPeriods truth;
    const double longest = std::pow(10, std::uniform_real_distribution(-2., 1.)(random));
    for (int i = 0; i < 50; ++i) {
      const Nanos at(
          std::uniform_int_distribution<std::int64_t>(201'000'000'000, 259'000'000'000)(random));
      truth.busy(window, at, longest * std::uniform_real_distribution(0.05, 1.)(random));
      truth.wait(window, at, std::uniform_int_distribution(0, 400)(random) * 1ms);
    }
    const auto lag = window.summary(260s, 0s);
    ASSERT_TRUE(lag.has_value());
    const double mean = truth.moment(1);
    EXPECT_NEAR(in_seconds(lag->mean), mean, 1e-5 * mean);
    const double deviation = std::sqrt(truth.moment(2) - mean * mean);
    EXPECT_NEAR(in_seconds(lag->stddev), deviation, 1e-5 * deviation);
    for (const auto& [q, figure] : {std::pair{0.5, lag->p50}, {0.9, lag->p90}, {0.99, lag->p99}}) {
      const double expected = truth.quantile(q);
      EXPECT_LE(in_seconds(figure), expected * 1.0001 + 1e-6) << q;
      EXPECT_GE(in_seconds(figure), expected * 0.7 - 1e-3) << q;
    }
  }
}

TEST(LagWindow, SurvivesNonsense) {
  LagWindow window;
  window.add_waiting(-5s, 1s);
  window.add_waiting(5s, -1s);
  window.add_waiting(1s, 5s);
  window.add_busy(1s, -1, 1);
  window.add_busy(1s, std::nan(""), 1);
  window.add_busy(1s, 1, 0);
  window.add_busy(-1s, 1e9, 1e9);
  window.add_busy(Nanos::max(), 1, 1);
  window.add_busy(2s, 1, 1);
  EXPECT_TRUE(window.summary(2s, 0s).has_value());
  EXPECT_NEAR(in_seconds(window.summary(Nanos::max(), 0s)->p50), 0.5, 1e-6);
}

}  // namespace
}  // namespace loopscope
