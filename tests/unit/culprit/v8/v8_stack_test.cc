#include "culprit/v8/v8_stack.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/clock.h"
#include "culprit/sample_memory.h"
#include "support/child_process.h"
#include "support/node_process.h"
#include "support/stopped_sample.h"
#include "support/temporary_directory.h"
#include "target/loaded_image.h"
#include "target/remote_memory.h"

namespace loopscope {
namespace {

/// The real thing: every Node there is a fixture of.
class V8StackTest : public ::testing::TestWithParam<const char*> {
 protected:
  static constexpr const char* kScript =
      "const fs = require('fs');\n"
      "function busyFunction() {\n"
      "  let sum = 0;\n"
      "  fs.writeSync(1, 'busy\\n');\n"
      "  for (;;) { sum = (sum * 31 + 7) | 0; if (sum === 0.5) return; }\n"
      "}\n"
      "setTimeout(() => {\n"
      "  fs.writeSync(1, process.version + '\\n');\n"
      "  if (process.argv[2] === 'busy') [1].forEach(busyFunction);\n"
      "  if (process.argv[2] === 'gc') {\n"
      "    fs.writeSync(1, 'gc\\n');\n"
      "    for (let sum = 0;;) { gc(); for (let i = 0; i < 3e6; ++i) sum += i; }\n"
      "  }\n"
      "  if (process.argv[2] === 'worker') {\n"
      "    const { Worker } = require('worker_threads');\n"
      "    new Worker(__filename, { argv: ['busy'] });\n"
      "  }\n"
      "}, 1);\n"
      "setInterval(() => {}, 1 << 30);\n";

  void SetUp() override {
    const auto node = node_fixture(GetParam());
    if (!node) GTEST_SKIP() << "no Node " << GetParam() << " in LOOPSCOPE_FIXTURES";
    node_ = *node;
    script_ = (directory_ / "app.js").string();
    std::ofstream(script_) << kScript;
  }

  /// Opens a reader for a process that said its version.
  void open(const NodeProcess& process, const std::string& version) {
    pid_ = process.pid();
    auto map = read_memory_map(pid_);
    if (!map) GTEST_SKIP() << "not permitted: " << map.error().message;
    map_ = std::move(*map);
    auto image = load_main_image(pid_, map_);
    ASSERT_TRUE(image) << image.error().message;
    const RemoteMemory memory(pid_);
    auto stack = V8Stack::open(*image, version, &memory, &map_);
    ASSERT_TRUE(stack) << stack.error().message;
    stack_ = std::move(*stack);
  }

  std::optional<V8Walk> walk(int tid) {
    auto map = read_memory_map(pid_);
    const auto sample = stopped_sample(pid_, tid);
    if (!map || !sample) return std::nullopt;
    map_ = std::move(*map);
    const RemoteMemory target(pid_);
    const SystemClock clock;
    const SampleMemory memory(*sample, target, clock);
    return stack_->walk(*sample, memory, map_, thread_);
  }

  void expect_busy(const V8Walk& walk) const {
    EXPECT_TRUE(walk.trusted) << walk.problem;
    EXPECT_FALSE(walk.no_javascript);
    ASSERT_FALSE(walk.frames.empty());
    EXPECT_EQ(walk.frames[0].frame.function, "busyFunction");
    EXPECT_EQ(walk.frames[0].frame.file, script_);
    EXPECT_EQ(walk.frames[0].frame.line, 5);
    EXPECT_EQ(walk.frames[0].frame.function_line, 2);
    EXPECT_TRUE(walk.frames[0].is_user);
  }

  TemporaryDirectory directory_;
  std::string node_;
  std::string script_;
  int pid_ = 0;
  MemoryMap map_;
  std::unique_ptr<V8Stack> stack_;
  V8Thread thread_;
};

TEST_P(V8StackTest, NamesABusyFunction) {
  const NodeProcess process(node_, {script_, "busy"});
  open(process, process.read_line());
  if (IsSkipped() || HasFatalFailure()) return;
  ASSERT_EQ(process.read_line(), "busy");
  // From the interpreter to optimized code.
  for (int i = 0; i < 20; ++i) {
    const auto found = walk(pid_);
    if (!found) GTEST_SKIP() << "ptrace is not permitted";
    if (found->frames.empty() || found->frames[0].frame.file != script_) continue;
    if (found->frames[0].frame.line == 4) continue;  // still in writeSync
    expect_busy(*found);
    if (HasFatalFailure()) return;
    bool has_builtin = false;
    for (const V8Frame& frame : found->frames) {
      has_builtin = has_builtin || (frame.frame.function == "forEach" && frame.frame.file.empty());
    }
    EXPECT_TRUE(has_builtin);
    EXPECT_NE(thread_.isolate_root, 0U);
    return;
  }
  FAIL() << "the function was never seen";
}

TEST_P(V8StackTest, NamesAWorkersFunction) {
  const NodeProcess process(node_, {script_, "worker"});
  open(process, process.read_line());
  if (IsSkipped() || HasFatalFailure()) return;
  process.read_line();
  ASSERT_EQ(process.read_line(), "busy");
  std::optional<V8Walk> busy;
  std::string last;  // what the last round saw, for when it never sees the function
  const bool seen = eventually([&] {
    last.clear();
    const std::string tasks = "/proc/" + std::to_string(pid_) + "/task";
    for (const auto& task : std::filesystem::directory_iterator(tasks)) {
      const int tid = std::stoi(task.path().filename().string());
      thread_ = {};
      auto found = walk(tid);
      const bool names =
          found && found->trusted && !found->frames.empty() && found->frames[0].frame.line == 5;
      if (found && !found->no_javascript) {
        const StackFrame top = found->frames.empty() ? StackFrame() : found->frames[0].frame;
        last += std::to_string(tid) + (found->trusted ? " trusted " : " ") + found->problem + " " +
                top.function + " line " + std::to_string(top.line) + "; ";
      }
      if (names) {
        EXPECT_NE(tid, pid_);
        busy = std::move(found);
        return true;
      }
    }
    return false;
  });
  ASSERT_TRUE(seen) << last;
  expect_busy(*busy);
  // The main thread waits for its worker, whatever that runs.
  thread_ = {};
  EXPECT_TRUE(eventually([&] {
    const auto found = walk(pid_);
    return found && found->no_javascript;
  }));
}

TEST_P(V8StackTest, AnIdleLoopHasNoJavaScript) {
  const NodeProcess process(node_, {script_, "idle"});
  open(process, process.read_line());
  if (IsSkipped() || HasFatalFailure()) return;
  int idle = 0;
  EXPECT_TRUE(eventually([&] {
    thread_ = {};
    const auto found = walk(pid_);
    idle = found && found->no_javascript ? idle + 1 : 0;
    if (found && found->no_javascript) {
      EXPECT_TRUE(found->trusted);
      EXPECT_TRUE(found->frames.empty());
    }
    return idle == 20;
  }));
}

TEST_P(V8StackTest, TellsWhenTheCollectorRuns) {
  const NodeProcess process(node_, {"--expose-gc", script_, "gc"});
  open(process, process.read_line());
  if (IsSkipped() || HasFatalFailure()) return;
  ASSERT_EQ(process.read_line(), "gc");
  const auto sample = stopped_sample(pid_, pid_);
  if (!sample) GTEST_SKIP() << "ptrace is not permitted";
  const RemoteMemory target(pid_);
  const std::uint64_t sp = sample->registers.sp;
  const Mapping* stack = map_.find(sp);
  ASSERT_NE(stack, nullptr);
  ASSERT_TRUE(stack_->learn_isolate(sp, stack->end, target, thread_));
  // A collection that begins or ends amid the reading fails the check of its times.
  auto word = stack_->state_word(thread_, target);
  ASSERT_TRUE(word);
  ASSERT_TRUE(eventually([&] {
    word = stack_->state_word(thread_, target);
    return word && word->collections;
  })) << "the times of collections";
  EXPECT_TRUE(eventually(
      [&] { return target.read_value<std::uint32_t>(word->address) == word->gc_value; }));
  EXPECT_TRUE(eventually(
      [&] { return target.read_value<std::uint32_t>(word->address) != word->gc_value; }));
  // It collects without a break: the times that V8 keeps move on, and so does the count.
  const auto moves_on = [&]<typename Word>(std::uint64_t address, Word) {
    const auto before = target.read_value<Word>(address);
    return before && eventually([&] { return target.read_value<Word>(address) != before; });
  };
  EXPECT_TRUE(moves_on(word->collections->current, std::uint64_t{}));
  EXPECT_TRUE(moves_on(word->collections->count, std::uint32_t{}));
  // Another program's stack has no isolate.
  const RemoteMemory self(::getpid());
  const auto own_map = read_memory_map(::getpid());
  ASSERT_TRUE(own_map);
  const Mapping* own_stack = own_map->find_path("[stack]");
  ASSERT_NE(own_stack, nullptr);
  V8Thread native;
  EXPECT_FALSE(stack_->learn_isolate(own_stack->start, own_stack->end, self, native));
}

// The stripped one, which V8's layout of the moment may make unreadable, is for the end-to-end
// matrix, which takes another process then.
INSTANTIATE_TEST_SUITE_P(Node, V8StackTest, ::testing::Values("18", "20", "22", "24", "26"),
                         [](const auto& test) {
                           std::string name = test.param;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return "Node" + name;
                         });

/// What no table tells of a version yet to come has to be found out.
class V8NewVersionTest : public V8StackTest {};

TEST_P(V8NewVersionTest, IsRead) {
  const NodeProcess process(node_, {script_, "busy"});
  process.read_line();
  open(process, "v99.0.0");
  if (IsSkipped() || HasFatalFailure()) return;
  ASSERT_EQ(process.read_line(), "busy");
  bool seen = false;
  for (int i = 0; i < 20 && !seen; ++i) {
    const auto found = walk(pid_);
    if (!found) GTEST_SKIP() << "ptrace is not permitted";
    if (found->frames.empty() || found->frames[0].frame.file != script_) continue;
    seen = found->frames[0].frame.function == "busyFunction" && found->trusted;
  }
  EXPECT_TRUE(seen);
  EXPECT_NE(thread_.isolate_root, 0U);
  const RemoteMemory target(pid_);
  EXPECT_FALSE(stack_->state_word(thread_, target)) << "nothing tells where that is";
}

INSTANTIATE_TEST_SUITE_P(Node, V8NewVersionTest, ::testing::Values("24", "26"),
                         [](const auto& test) { return "Node" + std::string(test.param); });

TEST(V8StackOpenTest, RefusesWhatItDoesNotKnow) {
  const auto map = read_memory_map(::getpid());
  ASSERT_TRUE(map);
  const auto own = load_main_image(::getpid(), *map);
  ASSERT_TRUE(own);
  const auto no_v8 = V8Stack::open(*own, "v22.1.0");
  ASSERT_FALSE(no_v8);
  EXPECT_NE(no_v8.error().message.find("no v8dbg_ symbols"), std::string::npos);

  const auto node = node_fixture("22");
  if (!node) GTEST_SKIP() << "no Node 22 in LOOPSCOPE_FIXTURES";
  UniqueFd file(::open(node->c_str(), O_RDONLY | O_CLOEXEC));
  auto elf = ElfImage::open(std::move(file), *node);
  ASSERT_TRUE(elf);
  LoadedImage image;
  image.elf = std::make_shared<const ElfImage>(std::move(*elf));
  EXPECT_TRUE(V8Stack::open(image, "22.1.0"));
  for (const char* version : {"v16.20.2", "v14.0.0", "", "x"}) {
    const auto refused = V8Stack::open(image, version);
    ASSERT_FALSE(refused) << version;
    EXPECT_NE(refused.error().message.find("not known"), std::string::npos);
  }
}

}  // namespace
}  // namespace loopscope
