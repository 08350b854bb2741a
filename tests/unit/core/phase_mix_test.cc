#include "core/phase_mix.h"

#include <gtest/gtest.h>

#include <numeric>

namespace loopscope {
namespace {

using namespace std::chrono_literals;

Nanos sum(const PhaseTimes& times) { return std::accumulate(times.begin(), times.end(), Nanos(0)); }

TEST(PhaseMix, IsPollUntilSomethingWasMet) {
  EXPECT_EQ(PhaseMix().split(3ms)[index_of(Phase::kPoll)], Nanos(3ms));
}

TEST(PhaseMix, SplitsByWeight) {
  PhaseMix mix;
  mix.add(Phase::kTimers, 30ms);
  mix.add(Phase::kCheck, 10ms);
  const PhaseTimes times = mix.split(4ms);
  EXPECT_EQ(times[index_of(Phase::kTimers)], Nanos(3ms));
  EXPECT_EQ(times[index_of(Phase::kCheck)], Nanos(1ms));
  EXPECT_EQ(sum(times), Nanos(4ms));
}

TEST(PhaseMix, LosesNothingToRounding) {
  PhaseMix mix;
  mix.add(Phase::kTimers, 1ms);
  mix.add(Phase::kPoll, 1ms);
  mix.add(Phase::kCheck, 1ms);
  for (const Nanos total : {Nanos(0), Nanos(1), Nanos(2), Nanos(1000001)}) {
    EXPECT_EQ(sum(mix.split(total)), total);
  }
}

TEST(PhaseMix, NegativeSharesAreNone) {
  PhaseMix mix;
  mix.add(Phase::kTimers, 1ms);
  mix.add(Phase::kPoll, -5ms);
  EXPECT_EQ(mix.split(2ms)[index_of(Phase::kTimers)], Nanos(2ms));
  mix.add(Phase::kTimers, -5ms);
  EXPECT_EQ(mix.split(2ms)[index_of(Phase::kPoll)], Nanos(2ms)) << "nothing left: as before";
}

TEST(PhaseMix, ForgetsThePast) {
  PhaseMix mix;
  mix.add(Phase::kTimers, 10ms);
  for (int i = 0; i < 2000; ++i) {
    mix.add(Phase::kCheck, 1ms);
    mix.age();
  }
  EXPECT_GT(mix.split(1s)[index_of(Phase::kCheck)], Nanos(999ms));
}

}  // namespace
}  // namespace loopscope
