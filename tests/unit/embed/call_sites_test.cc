#include "embed/call_sites.h"

#include <gtest/gtest.h>
#include <uv.h>

#include "unit/embed/test_loop.h"

namespace loopscope {
namespace {

/// What current_call() names from within a callback.
class CallSitesTest : public testing::Test {
 protected:
  void SetUp() override {
#ifndef __x86_64__
    GTEST_SKIP() << "return addresses are looked for on x86-64 only";
#endif
  }

  Phase phase_here() {
    const auto call = sites_.current_call();
    return call ? sites_.phase_at(call->site) : Phase::kUnknown;
  }

  const CallSites& sites_ = CallSites::of_linked_libuv();
};

TEST_F(CallSitesTest, NamesThePhaseOfACallback) {
  TestLoop loop;
  std::vector<Phase> seen;
  const auto look = [&] { seen.push_back(phase_here()); };
  loop.after(std::chrono::milliseconds(1), look);
  loop.run();
  loop.in_pending(look);
  loop.run();
  loop.in_poll(look);
  loop.run();
  loop.in_closing(look);
  loop.run();
  loop.in_idle(look);
  loop.run();
  EXPECT_EQ(seen, (std::vector<Phase>{Phase::kTimers, Phase::kPending, Phase::kPoll,
                                      Phase::kClosing, Phase::kIdlePrepare}));
}

TEST_F(CallSitesTest, FindsTheSameWordInEveryPhase) {
  TestLoop loop;
  std::vector<std::uintptr_t> words;
  const auto look = [&] { words.push_back(sites_.current_call().value_or(UvRunCall{}).word); };
  loop.in_poll(look);
  loop.in_prepare(look);
  loop.in_closing(look);
  loop.after(std::chrono::milliseconds(2), look);
  loop.run();
  ASSERT_EQ(words.size(), 4U);
  EXPECT_NE(words[0], 0U);
  for (const std::uintptr_t word : words) EXPECT_EQ(word, words[0]);
}

TEST_F(CallSitesTest, FindsNothingOutsideOfALoop) {
  EXPECT_FALSE(sites_.current_call().has_value());
}

TEST_F(CallSitesTest, UnknownAddressesHaveNoPhase) {
  EXPECT_EQ(sites_.phase_at(0), Phase::kUnknown);
  EXPECT_EQ(sites_.phase_at(reinterpret_cast<std::uintptr_t>(&uv_run)), Phase::kUnknown);
}

}  // namespace
}  // namespace loopscope
