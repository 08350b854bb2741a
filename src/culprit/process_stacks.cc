#include "culprit/process_stacks.h"

#include <sys/stat.h>

#include <utility>

#include "culprit/blocked_call.h"
#include "culprit/native/perf_map.h"
#include "culprit/native_blame.h"
#include "culprit/sample_memory.h"
#include "target/loaded_image.h"
#include "target/process_info.h"
#include "target/runtime_info.h"

namespace loopscope {
namespace {

/// Code comes and goes while a program runs (JIT pages, plugins): each capture needs a map read
/// after it was taken, or the newest code looks like none. Reading takes the target's mmap
/// lock for a moment, so of a huge map at most this part of the time.
constexpr int kMapReadingShare = 20;

std::string identity_of_executable(int pid) {
  struct stat status {};
  if (::stat(("/proc/" + std::to_string(pid) + "/exe").c_str(), &status) != 0) return {};
  return std::to_string(status.st_dev) + ':' + std::to_string(status.st_ino);
}

void blame(const StackFrame& frame, ResolvedStack& out) {
  out.function = frame.function;
  out.file = frame.file;
  out.line = frame.line;
  out.generated_line = frame.generated_line;
}

std::string unread_engine(std::string_view engine) {
  if (engine.empty()) return {};
  if (engine == "Node") return "this build of Node exports no v8dbg_ symbols to read its stacks by";
  std::string text = "the functions of " + std::string(engine) +
                     " programs cannot be read, only those of Node's JavaScript and native ones";
  if (engine == "Python") text += "; Python 3.12 and later names them if it is started by -X perf";
  return text;
}

/// The innermost function of the program's own JavaScript, one in a file before others: code
/// made at run time belongs to what made it. Node's own is never to blame.
bool blame_javascript(const V8Walk& walk, ResolvedStack& out) {
  for (const bool in_file : {true, false}) {
    for (const V8Frame& frame : walk.frames) {
      if (!(in_file ? frame.is_user : frame.is_made)) continue;
      blame(frame.frame, out);
      return true;
    }
  }
  return false;
}

}  // namespace

ProcessStacks::ProcessStacks(ProcessId id, std::string runtime_version, const Clock& clock)
    : id_(id),
      runtime_version_(std::move(runtime_version)),
      clock_(clock),
      memory_(id.pid),
      files_(id.pid) {}

void ProcessStacks::refresh(Nanos at) {
  std::string executable = identity_of_executable(id_.pid);
  const Nanos now = clock_.now();
  const bool is_fresh = map_read_at_ > at || now < map_due_;
  if (native_ && executable == executable_ && is_fresh) return;
  auto map = read_memory_map(id_.pid);
  if (!map) return;
  map_ = std::move(*map);
  map_read_at_ = now;
  map_due_ = now + kMapReadingShare * (clock_.now() - now);
  // A program that has executed itself anew is the same file, loaded elsewhere.
  const std::uint64_t base = map_.mappings().empty() ? 0 : map_.mappings().front().start;
  if (native_ && executable == executable_ && base == base_) {
    engines_.update(id_.pid, map_);
    return;
  }
  executable_ = std::move(executable);
  base_ = base;
  engines_.clear();
  files_.clear();
  native_ = NativeStack::open(id_.pid);
  open_v8();
}

void ProcessStacks::open_v8() {
  v8_.reset();
  problem_.clear();
  engines_.update(id_.pid, map_);
  const auto image = engines_.load_v8_image(id_.pid, map_);
  if (!image) {
    const auto program = executable_path(id_.pid);
    // What a perf map names, that is named.
    if (program && engines_.is_engine(*program) && !PerfMap::open(id_.pid).has_file()) {
      problem_ = unread_engine(engines_.engine());
    }
    return;
  }
  // The image tells its own version: the process may have run another program when it was found.
  std::string version = find_node_version(*image->elf);
  if (version.empty()) version = runtime_version_;
  auto v8 = V8Stack::open(*image, version, &memory_, &map_);
  if (v8) {
    v8_ = std::move(*v8);
  } else {
    problem_ = v8.error().message;
  }
}

void ProcessStacks::open() {
  const std::lock_guard lock(mutex_);
  refresh(Nanos(0));
}

std::string ProcessStacks::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

ResolvedStack ProcessStacks::resolve(const StackSample& sample, V8Thread& thread) {
  const std::lock_guard lock(mutex_);
  refresh(sample.at);
  if (!native_) {
    ResolvedStack nothing;
    nothing.problem = "the memory map of the process cannot be read";
    return nothing;
  }
  const SampleMemory memory(sample, memory_, clock_);
  ResolvedStack out = name_frames(sample, memory, thread);
  if (memory.is_exhausted()) {
    out.problem = "the stack could not be read within its budget";
  }
  return out;
}

ResolvedStack ProcessStacks::name_frames(const StackSample& sample, const MemoryReader& memory,
                                         V8Thread& thread) {
  ResolvedStack out;
  if (sample.syscall) {
    if (const auto call = describe_blocked_call(sample.pid, sample.tid, *sample.syscall, memory)) {
      out.detail = call->text();
      out.frames.push_back(call->frame());
    }
  }
  const NativeUnwinding unwinding = native_->unwind(sample, memory, map_, [this](std::uint64_t pc) {
    return v8_ && v8_->is_generated_code(pc, map_);
  });
  // JavaScript's names first: its heap moves on while those of native frames are looked up.
  V8Walk javascript;
  if (v8_) javascript = walk_javascript(sample, unwinding, memory, thread);
  const NativeWalk native = native_->name(unwinding);
  for (const NativeFrame& frame : native.frames) out.frames.push_back(frame.frame);
  if (v8_ && javascript.no_javascript && native.generated) {
    out.problem = "the isolate has left JavaScript since";
    return out;
  }
  if (!v8_ || javascript.no_javascript) {
    blame_native(sample, native, out);
    return out;
  }
  if (!javascript.trusted) {
    out.problem = javascript.problem;
    return out;
  }
  mark_generated(javascript.frames);
  for (const V8Frame& frame : javascript.frames) out.frames.push_back(frame.frame);
  // Node's own JavaScript may have called an add-on's function.
  if (!blame_javascript(javascript, out)) blame_native(sample, native, out);
  return out;
}

void ProcessStacks::mark_generated(std::vector<V8Frame>& frames) {
  for (V8Frame& frame : frames) {
    if (!frame.is_user || frame.script == 0) continue;
    const auto verdict = files_.compare(
        frame.frame.file, [&] { return v8_->script_text(frame.script, memory_); }, memory_);
    // What made a text may give it any name; only the file itself shows that it is the text.
    const bool is_other = verdict == ScriptFiles::Verdict::kOther ||
                          (frame.is_named_by_url && verdict == ScriptFiles::Verdict::kUnknown);
    if (!is_other) continue;
    frame.frame.generated_line = std::exchange(frame.frame.line, 0);
    frame.frame.function_line = 0;
  }
}

void ProcessStacks::blame_native(const StackSample& sample, const NativeWalk& walk,
                                 ResolvedStack& out) {
  const bool in_poll = sample.syscall && sample.syscall->in_epoll_wait();
  NativeVerdict verdict = native_culprit(walk, engines_, in_poll);
  if (verdict.culprit != nullptr) return blame(verdict.culprit->frame, out);
  out.problem = std::move(verdict.why);
  // A program that has an engine for some of its work tells by doing it.
  if (verdict.script_runs && !v8_ && problem_.empty()) problem_ = unread_engine(engines_.engine());
}

V8Walk ProcessStacks::walk_javascript(const StackSample& sample, const NativeUnwinding& unwinding,
                                      const MemoryReader& memory, V8Thread& thread) {
  if (unwinding.frames.empty() || !unwinding.generated || unwinding.generated->fp == 0) {
    return v8_->walk(sample, memory, map_, thread);
  }
  V8Walk walk = v8_->walk_from(*unwinding.generated, sample, memory, map_, thread);
  // Of a thread that runs on, the isolate may tell another moment's frame.
  if (walk.trusted || !sample.syscall) return walk;
  return v8_->walk(sample, memory, map_, thread);
}

bool ProcessStacks::learn_isolate(const StackSample& sample, V8Thread& thread) {
  const std::lock_guard lock(mutex_);
  refresh(sample.at);
  if (!v8_) return false;
  const SampleMemory memory(sample, memory_, clock_);
  const std::uint64_t low = sample.registers.sp;
  return v8_->learn_isolate(low, low + sample.stack.size(), memory, thread);
}

std::optional<V8StateWord> ProcessStacks::state_word(const V8Thread& thread) {
  const std::lock_guard lock(mutex_);
  return v8_ ? v8_->state_word(thread, memory_) : std::nullopt;
}

}  // namespace loopscope
