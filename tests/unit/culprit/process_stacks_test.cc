#include "culprit/process_stacks.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "support/child_process.h"
#include "support/fake_clock.h"
#include "support/node_process.h"
#include "support/ptrace_sample.h"
#include "target/process_id.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kPage = 4096;
constexpr unsigned char kSpin[] = {0xeb, 0xfe};  // jmp to itself

/// Runs made code that was not there when the parent first looked.
void make_code_and_run_it(const ChildProcess::Channel& parent) {
  parent.say('r');
  parent.hear();
  void* page = ::mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return;
  std::memcpy(page, kSpin, sizeof kSpin);
  if (::mprotect(page, kPage, PROT_READ | PROT_EXEC) != 0) return;
  parent.say('c');
  reinterpret_cast<void (*)()>(page)();
}

TEST(ProcessStacks, KnowsCodeThatWasMadeSinceTheLastCapture) {
  const ChildProcess child(make_code_and_run_it);
  ASSERT_EQ(child.hear(), 'r');
  const auto id = identify(child.pid());
  ASSERT_TRUE(id);
  FakeClock clock;
  ProcessStacks stacks(*id, "", clock);
  V8Thread thread;
  auto sample = ptrace_sample(child.pid(), child.pid());
  if (!sample) GTEST_SKIP() << "needs ptrace access to a child";
  sample->at = clock.now();
  clock.advance(1ms);
  ASSERT_FALSE(stacks.resolve(*sample, thread).frames.empty());

  child.tell('g');
  ASSERT_EQ(child.hear(), 'c');
  ASSERT_TRUE(eventually([&] {
    sample = ptrace_sample(child.pid(), child.pid());
    return sample && sample->registers.pc % kPage == 0;
  })) << "the child runs its page";
  sample->at = clock.now();
  clock.advance(1ms);
  const ResolvedStack stack = stacks.resolve(*sample, thread);
  ASSERT_FALSE(stack.frames.empty());
  EXPECT_EQ(stack.frames[0].kind, "unknown") << "made code without a name";
}

TEST(ProcessStacks, ReadsTheVersionOfTheProgramThatRunsNow) {
  const auto node = node_fixture("22");
  if (!node) GTEST_SKIP() << "no Node 22 in LOOPSCOPE_FIXTURES";
  const NodeProcess process(
      *node, {"-e",
              "function spinOfTheNewProgram() { for (;;) Math.sqrt(2); }\n"
              "setTimeout(() => { console.log('r'); setTimeout(spinOfTheNewProgram, 1); }, 1);"});
  ASSERT_EQ(process.read_line(), "r");
  const auto id = identify(process.pid());
  ASSERT_TRUE(id);
  const SystemClock clock;
  // The version of what ran before it executed this one.
  ProcessStacks stacks(*id, "18.20.8", clock);
  V8Thread thread;
  EXPECT_TRUE(eventually([&] {
    const auto sample = ptrace_sample(process.pid(), process.pid());
    if (!sample) return false;
    const ResolvedStack stack = stacks.resolve(*sample, thread);
    return std::ranges::any_of(stack.frames, [](const StackFrame& frame) {
      return frame.function == "spinOfTheNewProgram";
    });
  })) << stacks.problem();
}

}  // namespace
}  // namespace loopscope
