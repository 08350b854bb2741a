#include "sources/gc_times.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>

namespace loopscope {
namespace {

using namespace std::chrono_literals;

std::uint64_t millis(double value) { return std::bit_cast<std::uint64_t>(value); }

TEST(GcTimesTest, ReadsMicrosecondsAndDoublesOfMilliseconds) {
  const GcTimeWords integers{.current = {5000, 7000}, .previous = {1000, 1500}, .count = 4};
  const auto first = collections_from(integers, false, 1s);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->ended[0].start, Nanos(5ms));
  EXPECT_EQ(first->ended[0].end, Nanos(7ms));
  EXPECT_EQ(first->ended[1].end, Nanos(1500us));
  EXPECT_EQ(first->running_since, Nanos(0));
  EXPECT_EQ(first->count, 4u);
  const GcTimeWords doubles{
      .current = {millis(5), millis(7.25)}, .previous = {millis(0), millis(0)}, .count = 1};
  const auto second = collections_from(doubles, true, 1s);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->ended[0].end, Nanos(7250us));
}

TEST(GcTimesTest, OneWithoutAnEndIsInProgress) {
  const auto told = collections_from({.current = {5000, 0}, .previous = {1000, 1500}}, false, 1s);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->running_since, Nanos(5ms));
  EXPECT_EQ(told->ended[0].start, Nanos(1ms));
}

TEST(GcTimesTest, ACycleThatHasNotStoppedTheThreadIsNone) {
  const auto told = collections_from({.current = {0, 0}, .previous = {1000, 1500}}, false, 1s);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->running_since, Nanos(0));
  const auto inside = collections_from({.current = {5000, 0}, .previous = {0, 0}}, false, 1s);
  ASSERT_TRUE(inside);
  EXPECT_EQ(inside->running_since, Nanos(5ms));
}

TEST(GcTimesTest, WhatCannotBeATimeIsNone) {
  EXPECT_FALSE(collections_from({.current = {5000, 4000}}, false, 1s)) << "ends before it starts";
  EXPECT_FALSE(collections_from({.current = {5'000'000, 0}}, false, 1s)) << "in the future";
  EXPECT_FALSE(collections_from({.current = {~0ULL, ~0ULL}}, false, 1s));
  EXPECT_FALSE(collections_from({.current = {millis(-1), millis(2)}}, true, 1s));
  EXPECT_FALSE(collections_from(
      {.current = {millis(std::numeric_limits<double>::quiet_NaN()), millis(2)}}, true, 1s));
  EXPECT_FALSE(
      collections_from({.current = {5000, 6000}}, true, 1s).value_or(Collections{}).ended[0].end >
      Nanos(0))
      << "integers taken for doubles are no time at all";
}

}  // namespace
}  // namespace loopscope
