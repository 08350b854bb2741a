#include "apps/loopscope/stack_command.h"

#include <cstdio>
#include <string>
#include <vector>

#include "config/config_reader.h"
#include "core/line_text.h"
#include "culprit/process_stacks.h"
#include "culprit/stack_takers.h"
#include "engine/selection.h"
#include "log/logging.h"
#include "sources/process_loops.h"
#include "target/process_info.h"
#include "target/runtime_info.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kSamples = 3;
constexpr Nanos kPatience = 50ms;

void print_frame(const StackFrame& frame) {
  const std::string place = frame.file + line_text(frame.line, frame.generated_line);
  const std::string function = frame.function.empty() ? "?" : frame.function;
  std::printf("  %-7s %-40s %s\n", frame.kind.c_str(), printable(function).c_str(),
              printable(place).c_str());
}

/// What the thread does, in words.
std::string state_of(const StackSample& sample, const ResolvedStack& stack) {
  if (sample.syscall && sample.syscall->in_epoll_wait()) return "waits for events";
  if (sample.syscall) return "asleep: " + (stack.detail.empty() ? "in the kernel" : stack.detail);
  return stack.has_name() ? "running " + stack.function : "running";
}

/// Of several looks the one that tells most.
bool tells_more(const ResolvedStack& a, const ResolvedStack& b) {
  if (a.has_name() != b.has_name()) return a.has_name();
  return a.frames.size() > b.frames.size();
}

/// `name`: of the loop or thread, "loop main".
bool print_thread(const std::string& name, int tid, ProcessStacks& stacks, StackTakers& takers) {
  auto samples = takers.take(kSamples, kPatience);
  if (!samples || samples->empty()) {
    const std::string why =
        samples ? "it got no CPU while it was watched" : samples.error().message;
    std::printf("%s (tid %d): no stack: %s\n", name.c_str(), tid, printable(why).c_str());
    return false;
  }
  V8Thread thread;
  const StackSample* best_sample = nullptr;
  ResolvedStack best;
  for (const StackSample& sample : *samples) {
    stacks.learn_isolate(sample, thread);
    ResolvedStack stack = stacks.resolve(sample, thread);
    if (best_sample != nullptr && !tells_more(stack, best)) continue;
    best_sample = &sample;
    best = std::move(stack);
  }
  std::printf("%s (tid %d): %s\n", name.c_str(), tid,
              printable(state_of(*best_sample, best)).c_str());
  for (const StackFrame& frame : best.frames) print_frame(frame);
  if (!best.has_name() && !best.problem.empty()) {
    std::printf("  (%s)\n", printable(best.problem).c_str());
  }
  return true;
}

}  // namespace

int stack_command(const StackOptions& options) {
  set_up_logging(LogFormat::kText, LogLevel::kError);
  const auto id = identify(options.pid);
  if (!id) {
    print_error(id.error().message);
    return 1;
  }
  RuntimeProbe probe;
  const auto runtime = probe.probe(options.pid);
  if (!runtime) {
    print_error(runtime.error().message);
    return 1;
  }
  Config config;
  if (!options.config_file.empty()) {
    auto file = read_config_file(options.config_file);
    if (!file) {
      print_error(file.error().message);
      return 2;
    }
    config = *std::move(file);
  }
  const SystemClock clock;
  Sampler sampler(clock);
  UvImageCache images;
  ProcessLoops loops(*id, {}, sampler, images, clock, nullptr);
  loops.refresh(*runtime);
  ProcessStacks stacks(*id, runtime->version, clock);
  CaptureCounters counters;
  CaptureWays ways = capture_options_of(config).ways;
  if (options.no_ptrace) ways.ptrace = false;
  bool found = false;
  bool ok = false;
  const auto tids = list_threads(options.pid);
  for (const int tid : tids ? *tids : std::vector<int>()) {
    const auto loop = loops.loop_of(tid);
    if (!loop) continue;
    found = true;
    StackTakers takers(*id, tid, ways, counters);
    ok |= print_thread("loop " + loop->name(), tid, stacks, takers);
  }
  if (!found) {
    print_error("pid " + std::to_string(options.pid) +
                " runs no event loop that can be seen; one that has been blocked since before this "
                "looked cannot be told from other programs. Its main thread:");
    for (const SourceProblem& problem : loops.problems()) {
      print_error(problem.source + ": " + problem.reason);
    }
    StackTakers takers(*id, options.pid, ways, counters);
    ok = print_thread("main thread", options.pid, stacks, takers);
  }
  stacks.open();
  if (!stacks.problem().empty()) print_error(stacks.problem());
  return ok ? 0 : 1;
}

}  // namespace loopscope
