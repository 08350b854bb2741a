#include "sources/process_loops.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>

#include "base/unique_fd.h"
#include "sources/procfs/first_wait.h"
#include "support/child_process.h"
#include "support/fake_clock.h"
#include "target/process_id.h"
#include "unit/sources/procfs/epoll_workload.h"

namespace loopscope {
namespace {

TEST(ProcessLoops, ALoopIsFoundByTheThreadThatRunsIt) {
  ChildProcess child(EpollWorkload::run);
  const auto id = identify(child.pid());
  ASSERT_TRUE(id) << id.error().message;
  const SystemClock clock;
  Sampler sampler(clock);
  UvImageCache images;
  std::vector<std::pair<std::string, int>> listened;
  ProcessLoops loops(*id, {}, sampler, images, clock, [&](const std::string& loop, int tid) {
    listened.emplace_back(loop, tid);
    return std::unique_ptr<StallListener>();
  });
  ASSERT_EQ(child.hear(), 'r');
  EXPECT_EQ(loops.loop_of(child.pid()), nullptr) << "before the first look";
  // A sanitizer's thread makes the child one of several threads: then its loop has to turn, and
  // somebody has to look at it turning.
  ASSERT_TRUE(sampler.start());
  const bool found = eventually([&] {
    child.tell('m');
    for (int digit = 0; digit < 4; ++digit) child.hear();
    loops.refresh({});
    const auto problems = loops.problems();
    const bool is_refused =
        !problems.empty() && problems.front().reason.find("not judged") == std::string::npos;
    return loops.loop_count() == 1 || is_refused;
  });
  ASSERT_TRUE(found) << loops.problems().front().reason;
  if (!loops.problems().empty()) GTEST_SKIP() << loops.problems().front().reason;
  ASSERT_EQ(listened.size(), 1U);
  EXPECT_EQ(listened[0], std::pair(std::string("main"), child.pid()));
  const auto loop = loops.loop_of(child.pid());
  ASSERT_NE(loop, nullptr);
  EXPECT_EQ(loop->name(), "main");
  loop->watch_gc(GcWord{.address = 8, .value = 1});  // its source has no use for it
  EXPECT_EQ(loops.loop_of(child.pid() + 1), nullptr);
}

/// A loop that waits for 2 ms in 102. A look each second meets that after a minute or so.
void run_busy_loop(const ChildProcess::Channel& parent) {
  const UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  parent.say('r');
  for (;;) {
    epoll_event event{};
    ::epoll_wait(epoll.get(), &event, 1, 2);
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(100);
    while (std::chrono::steady_clock::now() < end) {
    }
  }
}

TEST(ProcessLoops, ABusyLoopIsFoundByOneOfItsShortWaits) {
  ChildProcess child(run_busy_loop);
  const auto id = identify(child.pid());
  ASSERT_TRUE(id) << id.error().message;
  const SystemClock clock;
  Sampler sampler(clock);
  UvImageCache images;
  ProcessLoops loops(*id, {}, sampler, images, clock, {});
  ASSERT_EQ(child.hear(), 'r');
  ASSERT_TRUE(sampler.start());
  int looks = 0;
  const bool is_found = eventually([&] {
    // As rarely as the program itself looks.
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    loops.refresh({});
    ++looks;
    return loops.loop_count() == 1;
  });
  const auto problems = loops.problems();
  if (!is_found && !problems.empty() &&
      problems.front().reason.find("not judged") == std::string::npos) {
    GTEST_SKIP() << problems.front().reason;
  }
  ASSERT_TRUE(is_found);
  EXPECT_EQ(loops.loop_of(child.pid())->info().source, "procfs");
  EXPECT_LE(looks, 12) << "each meets a wait once in fifty times";
}

/// Has an epoll descriptor, as a loop that has been blocked for ever or a plain computation.
void compute(const ChildProcess::Channel& parent) {
  const UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  parent.say('r');
  for (;;) {
  }
}

TEST(ProcessLoops, ADoubtIsAFailureOnlyAsLongAsALoopMayBeBlocked) {
  ChildProcess child(compute);
  const auto id = identify(child.pid());
  ASSERT_TRUE(id) << id.error().message;
  FakeClock clock;
  clock.advance(std::chrono::hours(1));
  Sampler sampler(clock);
  UvImageCache images;
  ProcessLoops loops(*id, {}, sampler, images, clock, {});
  ASSERT_EQ(child.hear(), 'r');

  loops.refresh({});
  ASSERT_EQ(loops.problems().size(), 1U);
  EXPECT_EQ(loops.problems().front().reason, FirstWait::kNotJudgedYet);
  EXPECT_TRUE(loops.problems().front().is_failure);

  clock.advance(std::chrono::seconds(119));
  loops.refresh({});
  EXPECT_TRUE(loops.problems().front().is_failure);

  clock.advance(std::chrono::seconds(1));
  loops.refresh({});
  ASSERT_EQ(loops.problems().size(), 1U) << "the reason stays";
  EXPECT_FALSE(loops.problems().front().is_failure);
}

}  // namespace
}  // namespace loopscope
