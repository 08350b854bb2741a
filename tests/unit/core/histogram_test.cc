#include "core/histogram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

namespace loopscope {
namespace {

std::uint64_t total(const HistogramSnapshot& snapshot) {
  return std::accumulate(snapshot.counts.begin(), snapshot.counts.end(), std::uint64_t{0});
}

TEST(Histogram, HasTheBoundsOfTheCatalogue) {
  const std::vector<double> expected = {.001, .0025, .005, .01, .025, .05, .1,
                                        .25,  .5,    1,    2.5, 5,    10};
  EXPECT_EQ(Histogram().snapshot().bounds, expected);
}

TEST(Histogram, ABucketIncludesItsUpperBound) {
  Histogram histogram;
  histogram.observe(0, 3);
  histogram.observe(.001);
  histogram.observe(.0010001);
  histogram.observe(10);
  histogram.observe(11);
  const HistogramSnapshot snapshot = histogram.snapshot();
  EXPECT_EQ(snapshot.counts.front(), 4u);
  EXPECT_EQ(snapshot.counts[1], 1u);
  EXPECT_EQ(snapshot.counts[12], 1u);
  EXPECT_EQ(snapshot.counts.back(), 1u);
  EXPECT_EQ(snapshot.count, 7u);
  EXPECT_NEAR(snapshot.sum, 21.0020001, 1e-9);
}

TEST(Histogram, UniformEqualsSingleObservations) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 2000; ++round) {
    const double max = std::pow(10, std::uniform_real_distribution(-5., 1.5)(random));
    const auto n = std::uniform_int_distribution<std::uint64_t>(1, 500)(random);
    const double shift = std::uniform_real_distribution(0.01, 1.)(random);
    Histogram analytic, one_by_one;
    analytic.observe_uniform(max, n, shift);
    for (std::uint64_t i = 0; i < n; ++i) {
      one_by_one.observe(max * (static_cast<double>(i) + shift) / static_cast<double>(n));
    }
    EXPECT_EQ(analytic.snapshot().counts, one_by_one.snapshot().counts) << max << " " << n;
    EXPECT_NEAR(analytic.snapshot().sum, one_by_one.snapshot().sum, 1e-9 * max * 500);
  }
}

TEST(Histogram, UniformSumIsHalfTheMaximum) {
  Histogram histogram;
  histogram.observe_uniform(.5, 500);
  const HistogramSnapshot snapshot = histogram.snapshot();
  EXPECT_NEAR(snapshot.sum, 125, 1e-9);
  EXPECT_EQ(snapshot.counts[8], 250u) << "(.25, .5]";
  EXPECT_EQ(snapshot.counts.back(), 0u);
}

TEST(Histogram, SurvivesNonsense) {
  Histogram histogram;
  histogram.observe(-1);
  histogram.observe(std::nan(""));
  histogram.observe(INFINITY);
  histogram.observe_uniform(0, 5);
  histogram.observe_uniform(-3, 5);
  histogram.observe_uniform(1, 0);
  histogram.observe_uniform(1e30, std::uint64_t{1} << 60);
  const HistogramSnapshot snapshot = histogram.snapshot();
  EXPECT_EQ(snapshot.count, total(snapshot));
}

}  // namespace
}  // namespace loopscope
