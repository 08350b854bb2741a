#include "culprit/native/native_stack.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/child_process.h"
#include "support/fake_memory.h"
#include "support/ptrace_sample.h"
#include "target/remote_memory.h"

// Functions whose frames the tests look for. Each does something after its call, so that the
// call is no jump, and none may be inlined or cloned.
#define KEPT __attribute__((noinline, noclone))
#define WITHOUT_FRAME_POINTER KEPT __attribute__((optimize("omit-frame-pointer")))
#define WITH_FRAME_POINTER KEPT __attribute__((optimize("no-omit-frame-pointer")))

namespace nesting {

volatile int sink = 0;

KEPT void sleep_in_kernel(int depth) {
  ::syscall(SYS_pause);
  sink = sink + depth;
}
KEPT void spin(int depth) {
  while (depth != 0) sink = sink + 1;
}

struct Leaf {
  bool sleeps = true;
  KEPT void run(int depth) {
    if (sleeps) sleep_in_kernel(depth);
    if (!sleeps) spin(depth);
    sink = sink + 1;
  }
};

namespace {
/// Locals whose size is not a prologue's usual one, and all callee-saved registers.
WITH_FRAME_POINTER void big_frame(Leaf& leaf, int depth) {
  volatile char room[3000];
  room[depth] = 1;
  leaf.run(depth);
  sink = sink + room[depth];
}
}  // namespace

WITHOUT_FRAME_POINTER void no_frame_pointer(Leaf& leaf, int depth) {
  volatile int room[40];
  room[depth] = depth;
  big_frame(leaf, depth);
  sink = sink + room[depth];
}

template <typename T>
WITH_FRAME_POINTER T templated(Leaf& leaf, T depth) {
  no_frame_pointer(leaf, static_cast<int>(depth));
  sink = sink + 1;
  return depth;
}

/// The size of its frame is known at run time only.
WITH_FRAME_POINTER void variable_frame(Leaf& leaf, int depth) {
  auto* room = static_cast<volatile char*>(__builtin_alloca(static_cast<std::size_t>(depth) * 64));
  room[0] = 1;
  templated<long>(leaf, depth);
  sink = sink + room[0];
}

}  // namespace nesting

namespace loopscope {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

std::vector<std::string> functions(const NativeWalk& walk) {
  std::vector<std::string> names;
  for (const NativeFrame& frame : walk.frames) names.push_back(frame.frame.function);
  return names;
}

/// The innermost frame outside the runtime.
std::string culprit(const NativeWalk& walk) {
  for (const NativeFrame& frame : walk.frames) {
    if (!frame.is_runtime) return frame.frame.function;
  }
  return {};
}

std::vector<std::string> own_functions(const NativeWalk& walk) {
  std::vector<std::string> names;
  for (const std::string& name : functions(walk)) {
    if (name.starts_with("nesting::")) names.push_back(name);
  }
  return names;
}

NativeWalk walk_of(NativeStack& stack, const StackSample& sample) {
  const auto map = read_memory_map(sample.pid);
  if (!map) return {};
  return stack.walk(sample, RemoteMemory(sample.pid), *map, {});
}

std::optional<StackSample> sample_in_pause(int pid) {
  std::optional<StackSample> sample;
  eventually([&] {
    sample = sleeping_sample(pid, pid);
    return sample && sample->syscall->number == SYS_pause;
  });
  return sample;
}

TEST(NativeStack, NamesASleepingThreadsFunctionsFromPcAndSpAlone) {
  ChildProcess child([](const ChildProcess::Channel&) {
    nesting::Leaf leaf;
    nesting::variable_frame(leaf, 7);
  });
  const auto sample = sample_in_pause(child.pid());
  if (!sample) GTEST_SKIP() << "needs ptrace access to a child";
  const NativeWalk walk = walk_of(*NativeStack::open(child.pid()), *sample);
  EXPECT_THAT(own_functions(walk),
              testing::ElementsAre("nesting::sleep_in_kernel", "nesting::Leaf::run",
                                   "nesting::big_frame", "nesting::no_frame_pointer",
                                   "nesting::templated", "nesting::variable_frame"));
  EXPECT_EQ(culprit(walk), "nesting::sleep_in_kernel");
  ASSERT_FALSE(walk.frames.empty());
  EXPECT_TRUE(walk.frames[0].is_runtime);
  EXPECT_THAT(walk.frames[0].frame.file, HasSubstr("libc"));
  EXPECT_EQ(walk.frames[1].frame.file, "culprit_tests");
  EXPECT_EQ(walk.frames[1].frame.kind, "native");
  EXPECT_EQ(walk.stopped_at, 0u);
}

TEST(NativeStack, NamesARunningThreadsFunctions) {
  ChildProcess child([](const ChildProcess::Channel& parent) {
    nesting::Leaf leaf;
    leaf.sleeps = false;
    parent.say('r');
    nesting::variable_frame(leaf, 7);
  });
  ASSERT_EQ(child.hear(), 'r');
  const auto stack = NativeStack::open(child.pid());
  NativeWalk walk;
  ASSERT_TRUE(eventually([&] {
    const auto sample = ptrace_sample(child.pid(), child.pid());
    if (sample) walk = walk_of(*stack, *sample);
    return culprit(walk) == "nesting::spin";
  }));
  EXPECT_THAT(own_functions(walk),
              testing::ElementsAre("nesting::spin", "nesting::Leaf::run", "nesting::big_frame",
                                   "nesting::no_frame_pointer", "nesting::templated",
                                   "nesting::variable_frame"));
  // Down to the C library's beginning of the program.
  EXPECT_THAT(functions(walk), Contains(HasSubstr("main")));
}

TEST(NativeStack, EndsAtGeneratedCode) {
  ChildProcess child([](const ChildProcess::Channel&) {
    nesting::Leaf leaf;
    nesting::variable_frame(leaf, 7);
  });
  const auto sample = sample_in_pause(child.pid());
  if (!sample) GTEST_SKIP() << "needs ptrace access to a child";
  const auto map = read_memory_map(child.pid());
  ASSERT_TRUE(map);
  const auto stack = NativeStack::open(child.pid());
  const NativeWalk whole = walk_of(*stack, *sample);
  ASSERT_GT(whole.frames.size(), 3u);
  const std::uint64_t generated = whole.frames[3].pc;
  const NativeWalk walk = stack->walk(*sample, RemoteMemory(child.pid()), *map,
                                      [&](std::uint64_t pc) { return pc == generated; });
  EXPECT_EQ(walk.frames.size(), 3u);
  EXPECT_EQ(walk.stopped_at, generated);
}

}  // namespace
}  // namespace loopscope
