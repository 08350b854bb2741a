#include "sources/procfs/loop_proof.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

using namespace std::chrono_literals;
using Standing = LoopProof::Standing;

/// A thread that turns each 200 ms; whoever asks its siblings meets what `shares` says.
class LoopProofTest : public testing::Test {
 protected:
  void ask_if_wanted(bool shares = false) {
    if (!proof_.wants_siblings(now_)) return;
    proof_.saw_siblings(now_, shares, alone_, in_pool_);
    ++asked_;
  }
  void turn(int times, bool shares = false) {
    for (int i = 0; i < times; ++i) {
      now_ += 200ms;
      proof_.saw_wait(true);
      ask_if_wanted(shares);
    }
  }
  void away(Nanos time, bool in_futex, bool shares = false) {
    for (const Nanos end = now_ + time; now_ < end;) {
      now_ += 4ms;
      proof_.saw_away(now_, in_futex);
      ask_if_wanted(shares);
    }
  }

  bool alone_ = false;
  bool in_pool_ = false;
  int asked_ = 0;
  Nanos now_{100s};
  LoopProof proof_{false};
};

TEST_F(LoopProofTest, OneWaitIsNoEvidence) {
  EXPECT_EQ(proof_.standing(), Standing::kUnproven);
  for (int look = 0; look < 1000; ++look) {
    now_ += 20ms;
    proof_.saw_wait(false);
    ask_if_wanted();
  }
  EXPECT_EQ(proof_.standing(), Standing::kUnproven);
  EXPECT_LE(asked_, 1) << "a thread that does nothing is asked about once";
  EXPECT_NE(proof_.reason(7).find("not judged yet: thread 7"), std::string::npos);
}

TEST_F(LoopProofTest, AThreadThatTurnsIsALoop) {
  turn(LoopProof::kTurns);
  EXPECT_EQ(proof_.standing(), Standing::kProven);
  EXPECT_EQ(proof_.reason(7), "");
  asked_ = 0;
  turn(300);
  EXPECT_LE(asked_, 8) << "in a minute";
}

TEST_F(LoopProofTest, AnotherThreadOnTheDescriptorRefutesForGood) {
  turn(2);
  turn(1, true);
  EXPECT_EQ(proof_.standing(), Standing::kRefuted);
  turn(100);
  EXPECT_EQ(proof_.standing(), Standing::kRefuted);
  EXPECT_NE(proof_.reason(7), "");
}

TEST_F(LoopProofTest, WhoSleepsInAFutexWhileAnotherPollsIsFoundOutBeforeAStall) {
  turn(1000);
  ASSERT_EQ(proof_.standing(), Standing::kProven);
  away(12ms, true, true);
  EXPECT_EQ(proof_.standing(), Standing::kRefuted);
}

TEST_F(LoopProofTest, WhoComputesWhileAnotherPollsIsFoundOutBeforeAStall) {
  turn(1000);
  away(40ms, false, true);
  EXPECT_EQ(proof_.standing(), Standing::kRefuted);
}

TEST_F(LoopProofTest, ShortTurnsAreNotWorthAsking) {
  turn(1000);
  asked_ = 0;
  for (int i = 0; i < 100; ++i) {
    away(8ms, false);
    turn(1);
  }
  EXPECT_LE(asked_, 4);
}

TEST_F(LoopProofTest, AFutexIsWithheldForASecond) {
  turn(10);
  away(4ms, true);
  EXPECT_FALSE(proof_.withholds(now_)) << "the first look begins the period";
  away(900ms, true);
  EXPECT_TRUE(proof_.withholds(now_));
  away(200ms, true);
  EXPECT_FALSE(proof_.withholds(now_)) << "nobody else polled all the time";
  EXPECT_EQ(proof_.standing(), Standing::kProven);
  turn(1);
  away(20ms, false);
  EXPECT_FALSE(proof_.withholds(now_)) << "not in a futex";
}

TEST_F(LoopProofTest, AThreadAloneHasNobodyToHandOverTo) {
  alone_ = true;
  proof_.saw_siblings(now_, false, true);
  EXPECT_EQ(proof_.standing(), Standing::kProven);
  away(500ms, true);
  EXPECT_FALSE(proof_.withholds(now_));
}

TEST_F(LoopProofTest, OneThatPollsForAPoolIsNoLoopHoweverOftenItTurns) {
  in_pool_ = true;
  turn(2);
  EXPECT_EQ(proof_.standing(), Standing::kUnproven);
  turn(20);
  EXPECT_EQ(proof_.standing(), Standing::kRefuted);
}

TEST_F(LoopProofTest, APeerThatSleptForAMomentDoesNotMatter) {
  turn(2);
  in_pool_ = true;
  turn(1);
  in_pool_ = false;
  turn(10);
  EXPECT_EQ(proof_.standing(), Standing::kProven);
}

TEST_F(LoopProofTest, WhatIsKnownIsNotAskedFor) {
  LoopProof known(true);
  EXPECT_EQ(known.standing(), Standing::kProven);
  EXPECT_FALSE(known.wants_siblings(now_));
  known.saw_away(now_, true);
  EXPECT_FALSE(known.withholds(now_ + 500ms));
}

}  // namespace
}  // namespace loopscope
