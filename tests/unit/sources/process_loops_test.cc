#include "sources/process_loops.h"

#include <gtest/gtest.h>

#include "support/child_process.h"
#include "target/process_id.h"
#include "unit/sources/procfs/epoll_workload.h"

namespace loopscope {
namespace {

TEST(ProcessLoops, ALoopIsFoundByTheThreadThatRunsIt) {
  const ChildProcess child(EpollWorkload::run);
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
  EXPECT_EQ(loops.loop_of(child.pid()), nullptr) << "before the first look";
  eventually([&] {
    loops.refresh({});
    return loops.loop_count() == 1 || !loops.problems().empty();
  });
  if (!loops.problems().empty()) GTEST_SKIP() << loops.problems().front().reason;
  ASSERT_EQ(listened.size(), 1U);
  EXPECT_EQ(listened[0], std::pair(std::string("main"), child.pid()));
  const auto loop = loops.loop_of(child.pid());
  ASSERT_NE(loop, nullptr);
  EXPECT_EQ(loop->name(), "main");
  loop->watch_gc(GcWord{.address = 8, .value = 1});  // its source has no use for it
  EXPECT_EQ(loops.loop_of(child.pid() + 1), nullptr);
}

}  // namespace
}  // namespace loopscope
