#include "core/collection_time.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

using namespace std::chrono_literals;

Collections told(std::uint32_t count, Collection one = {}, Collection two = {},
                 Nanos running_since = 0ms) {
  return {.ended = {one, two}, .running_since = running_since, .count = count};
}

TEST(CollectionTimeTest, EachCountsOnce) {
  CollectionTime time;
  time.begin(100ms);
  time.add(told(7, {50ms, 60ms}, {101ms, 103ms}), 104ms);
  EXPECT_EQ(time.total(104ms), Nanos(2ms));
  time.add(told(7, {50ms, 60ms}, {101ms, 103ms}), 108ms);
  time.add(told(8, {109ms, 110ms}, {101ms, 103ms}), 112ms);
  EXPECT_EQ(time.total(112ms), Nanos(3ms));
}

TEST(CollectionTimeTest, WhatBeganBeforeIsCut) {
  CollectionTime time;
  time.begin(100ms);
  time.add(told(1, {95ms, 103ms}), 104ms);
  EXPECT_EQ(time.total(104ms), Nanos(3ms));
}

TEST(CollectionTimeTest, OneInProgressCountsAsFarAsItHasCome) {
  CollectionTime time;
  time.begin(100ms);
  time.add(told(1), 101ms);
  time.add(told(2, {}, {}, 102ms), 105ms);
  EXPECT_EQ(time.total(105ms), Nanos(3ms));
  EXPECT_EQ(time.total(109ms), Nanos(7ms));
  time.add(told(2, {102ms, 120ms}), 121ms);
  EXPECT_EQ(time.total(121ms), Nanos(18ms));
  EXPECT_EQ(time.total(130ms), Nanos(18ms));
}

TEST(CollectionTimeTest, UnseenOnesLastAsLongAsTheOnesSeenBesideThem) {
  CollectionTime time;
  time.begin(0ms);
  time.add(told(10, {1ms, 2ms}), 3ms);
  // Five since: the newest two of 2 ms and 4 ms are told of.
  time.add(told(15, {40ms, 42ms}, {50ms, 54ms}), 60ms);
  EXPECT_EQ(time.total(60ms), Nanos(1ms + 6ms + 9ms));
}

TEST(CollectionTimeTest, UnseenOnesFitBetweenTheLooks) {
  CollectionTime time;
  time.begin(0ms);
  time.add(told(10), 10ms);
  time.add(told(100, {11ms, 13ms}, {14ms, 16ms}), 20ms);
  EXPECT_EQ(time.total(20ms), Nanos(10ms));
}

TEST(CollectionTimeTest, TheOneSeenInProgressIsNotAnUnseenOne) {
  CollectionTime time;
  time.begin(0ms);
  time.add(told(1), 1ms);
  time.add(told(2, {}, {}, 2ms), 3ms);
  time.add(told(3, {2ms, 4ms}, {}, 5ms), 6ms);
  time.add(told(3, {2ms, 4ms}, {5ms, 7ms}), 8ms);
  EXPECT_EQ(time.total(8ms), Nanos(4ms));
}

TEST(CollectionTimeTest, ACountThatCannotBeIsNotBelieved) {
  CollectionTime time;
  time.begin(0ms);
  time.add(told(1), 1ms);
  time.add(told(1'000'000, {1ms, 2ms}), 10ms);
  EXPECT_EQ(time.total(10ms), Nanos(1ms));
  time.add(told(1'000'003, {11ms, 12ms}), 20ms);
  EXPECT_EQ(time.total(20ms), Nanos(2ms));
}

TEST(CollectionTimeTest, WhatBeganInTheNextPeriodIsNotOfThisOne) {
  CollectionTime time;
  time.begin(0ms);
  time.add(told(2, {1ms, 2ms}, {9ms, 10ms}), 12ms, 6ms);
  EXPECT_EQ(time.total(12ms), Nanos(1ms));
}

}  // namespace
}  // namespace loopscope
