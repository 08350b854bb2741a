#include "culprit/native/native_stack.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "culprit/sample_memory.h"
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
volatile bool spinning = true;

KEPT void sleep_in_kernel(int depth) {
  ::syscall(SYS_pause);
  sink = sink + depth;
}
KEPT void spin(int depth) {
  while (spinning) sink = sink + depth;
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
    if (frame.role == NativeRole::kProgram) return frame.frame.function;
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

/// As the product does it: the stack from the sample, for a running thread's goes on changing.
NativeWalk walk_until(NativeStack& stack, const StackSample& sample, const MemoryMap& map,
                      const std::function<bool(std::uint64_t)>& is_generated) {
  const RemoteMemory target(sample.pid);
  const SystemClock clock;
  return stack.walk(sample, SampleMemory(sample, target, clock), map, is_generated);
}

NativeWalk walk_of(NativeStack& stack, const StackSample& sample) {
  const auto map = read_memory_map(sample.pid);
  if (!map) return {};
  return walk_until(stack, sample, *map, {});
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
  EXPECT_EQ(walk.frames[0].role, NativeRole::kLibrary);
  EXPECT_THAT(walk.frames[0].frame.file, HasSubstr("libc"));
  const auto own = std::ranges::find(walk.frames, NativeRole::kProgram, &NativeFrame::role);
  ASSERT_NE(own, walk.frames.end());
  EXPECT_EQ(own->frame.file, "culprit_tests");
  EXPECT_EQ(walk.frames[1].frame.kind, "native");
  EXPECT_FALSE(walk.generated);
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
  const NativeWalk walk =
      walk_until(*stack, *sample, *map, [&](std::uint64_t pc) { return pc == generated; });
  EXPECT_EQ(walk.frames.size(), 3u);
  ASSERT_TRUE(walk.generated);
  EXPECT_EQ(walk.generated->pc, generated);
  EXPECT_GT(walk.generated->sp, sample->registers.sp);
  EXPECT_GT(walk.generated->fp, walk.generated->sp) << "rbp of a frame that keeps one";
}

TEST(NativeStack, NamesNoFunctionOfAStrippedImageButTheImage) {
  if (::access("/bin/sleep", X_OK) != 0) GTEST_SKIP() << "needs /bin/sleep, a stripped program";
  ChildProcess child([](const ChildProcess::Channel&) {
    ::execl("/bin/sleep", "sleep", "600", static_cast<char*>(nullptr));
  });
  const auto stack = NativeStack::open(child.pid());
  NativeWalk walk;
  ASSERT_TRUE(eventually([&] {
    const auto sample = sleeping_sample(child.pid(), child.pid());
    if (sample) walk = walk_of(*stack, *sample);
    return std::any_of(walk.frames.begin(), walk.frames.end(), [](const NativeFrame& frame) {
      return frame.frame.file == "sleep" || frame.frame.file == "coreutils";
    });
  }));
  const auto own = std::ranges::find(walk.frames, NativeRole::kProgram, &NativeFrame::role);
  ASSERT_NE(own, walk.frames.end());
  EXPECT_EQ(own->frame.function, "");
  EXPECT_EQ(own->frame.kind, "native");
}

TEST(NativeStack, FollowsAnExec) {
  ChildProcess child([](const ChildProcess::Channel& parent) {
    parent.say('r');
    parent.hear();
    ::execl("/bin/sleep", "sleep", "600", static_cast<char*>(nullptr));
  });
  ASSERT_EQ(child.hear(), 'r');
  const auto stack = NativeStack::open(child.pid());
  const auto has_image = [&](const std::string& name) {
    const auto sample = sleeping_sample(child.pid(), child.pid());
    if (!sample) return false;
    const NativeWalk walk = walk_of(*stack, *sample);
    return std::any_of(walk.frames.begin(), walk.frames.end(),
                       [&](const NativeFrame& frame) { return frame.frame.file == name; });
  };
  ASSERT_TRUE(eventually([&] { return has_image("culprit_tests"); }));
  child.tell('g');
  EXPECT_TRUE(eventually([&] { return has_image("sleep") && !has_image("culprit_tests"); }));
}

/// Runs in memory that no file backs: "mov eax, SYS_pause; syscall; ret".
KEPT void call_anonymous_code() {
  void* page =
      ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0xb8, 0x22, 0,
                                0,    0,    0x0f, 0x05, 0x5d, 0xc3};
  std::memcpy(page, code, sizeof code);
  const std::string path = "/tmp/perf-" + std::to_string(::getpid()) + ".map";
  std::FILE* names = std::fopen(path.c_str(), "w");
  if (names == nullptr) ::_exit(8);
  std::fprintf(names, "%lx %zx JS:*handle /srv/app.js:7:3\n", reinterpret_cast<unsigned long>(page),
               sizeof code);
  std::fclose(names);
  reinterpret_cast<void (*)()>(page)();
  nesting::sink = nesting::sink + 1;
}

TEST(NativeStack, NamesGeneratedCodeByItsPerfMap) {
  ChildProcess child([](const ChildProcess::Channel&) { call_anonymous_code(); });
  const auto sample = sample_in_pause(child.pid());
  if (!sample) GTEST_SKIP() << "needs ptrace access to a child";
  const std::string path = "/tmp/perf-" + std::to_string(child.pid()) + ".map";
  const auto running = ptrace_sample(child.pid(), child.pid());
  const NativeWalk named =
      running ? walk_of(*NativeStack::open(child.pid()), *running) : NativeWalk{};
  std::filesystem::remove(path);
  const NativeWalk unnamed = walk_of(*NativeStack::open(child.pid()), *sample);
  ASSERT_FALSE(named.frames.empty());
  EXPECT_EQ(named.frames[0].frame.kind, "js");
  EXPECT_EQ(named.frames[0].frame.function, "handle");
  EXPECT_EQ(named.frames[0].frame.file, "/srv/app.js");
  EXPECT_EQ(named.frames[0].frame.line, 7);
  // By its frame pointer, for it has no tables.
  ASSERT_GT(named.frames.size(), 1u);
  EXPECT_THAT(named.frames[1].frame.function, HasSubstr("call_anonymous_code"));
  ASSERT_EQ(unnamed.frames.size(), 1u);
  EXPECT_EQ(unnamed.frames[0].frame.kind, "unknown");
  EXPECT_EQ(unnamed.frames[0].frame.function, "");
}

TEST(NativeStack, EndsOnNonsense) {
  const auto stack = NativeStack::open(::getpid());
  const auto map = read_memory_map(::getpid());
  ASSERT_TRUE(map);
  FakeMemory memory;  // nothing is readable
  StackSample sample;
  EXPECT_TRUE(stack->walk(sample, memory, *map, {}).frames.empty());
  EXPECT_TRUE(stack->walk(sample, memory, MemoryMap(), {}).frames.empty());
  sample.registers = {};
  sample.registers.has_all = true;
  sample.registers.pc = reinterpret_cast<std::uint64_t>(&nesting::spin);
  sample.registers.sp = sample.registers.fp = ~std::uint64_t{7};
  EXPECT_EQ(functions(stack->walk(sample, memory, *map, {})),
            std::vector<std::string>{"nesting::spin"});
}

TEST(NativeStack, NamesTheVdso) {
  void* vdso = ::dlopen("linux-vdso.so.1", RTLD_LAZY | RTLD_NOLOAD);
  if (vdso == nullptr) GTEST_SKIP() << "this process has no vdso";
  StackSample sample;
  sample.pid = ::getpid();
  sample.registers.pc = reinterpret_cast<std::uint64_t>(::dlsym(vdso, "__vdso_clock_gettime"));
  ::dlclose(vdso);
  const NativeWalk walk = walk_of(*NativeStack::open(sample.pid), sample);
  ASSERT_EQ(walk.frames.size(), 1u);
  EXPECT_THAT(walk.frames[0].frame.function, HasSubstr("clock_gettime"));
  EXPECT_EQ(walk.frames[0].frame.file, "[vdso]");
  EXPECT_EQ(walk.frames[0].role, NativeRole::kLibrary);
}

/// Frames of a Node that computes in native code, down to code V8 generated.
TEST(NativeStack, NamesTheNativeCodeANodeIsIn) {
  const char* fixtures = std::getenv("LOOPSCOPE_FIXTURES");  // NOLINT: nobody sets it
  const std::string node = std::string(fixtures != nullptr ? fixtures : "") + "/node/22/bin/node";
  if (::access(node.c_str(), X_OK) != 0) GTEST_SKIP() << "no Node 22 in LOOPSCOPE_FIXTURES";
  const auto compute = [&](const ChildProcess::Channel&) {
    ::execl(node.c_str(), "node", "-e",
            "for (;;) require('crypto').pbkdf2Sync('a', 'b', 1e6, 64, 'sha512')",
            static_cast<char*>(nullptr));
  };
  NativeWalk walk;
  const auto in_generated_code = [&](const MemoryMap& map, std::uint64_t pc) {
    const Mapping* mapping = map.find(pc);
    // Code of V8's embedded builtins is the program's file mapped once more, far away.
    return mapping != nullptr && mapping->executable &&
           (!mapping->is_file() || mapping->start - map.mappings()[0].start > 0x1000'0000'0000) &&
           mapping->path.find(".so") == std::string::npos;
  };
  const auto sees = [&](const ChildProcess& child, NativeStack& stack) {
    const auto sample = ptrace_sample(child.pid(), child.pid());
    const auto map = read_memory_map(child.pid());
    if (!sample || !map) return false;
    walk = walk_until(stack, *sample, *map,
                      [&](std::uint64_t pc) { return in_generated_code(*map, pc); });
    const auto names = functions(walk);
    return walk.generated &&
           std::find(names.begin(), names.end(), "PKCS5_PBKDF2_HMAC") != names.end();
  };
  // Of a hundred processes one finds no place to map its builtins once more: they run where they
  // are in the image, and nothing here tells them from other functions of the program.
  bool is_seen = false;
  for (int attempt = 0; attempt < 3 && !is_seen; ++attempt) {
    ChildProcess child(compute);
    const auto stack = NativeStack::open(child.pid());
    is_seen = eventually([&] { return sees(child, *stack); });
  }
  ASSERT_TRUE(is_seen) << ::testing::PrintToString(functions(walk));
  EXPECT_THAT(functions(walk),
              IsSupersetOf({"PKCS5_PBKDF2_HMAC", "node::crypto::PBKDF2Traits::DeriveBits",
                            "node::crypto::DeriveBitsJob::DoThreadPoolWork"}));
}

}  // namespace
}  // namespace loopscope
