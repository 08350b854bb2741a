#include "culprit/process_stacks.h"

#include <sys/stat.h>

#include <utility>

#include "culprit/blocked_call.h"
#include "culprit/sample_memory.h"
#include "target/loaded_image.h"

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

/// The image of a mapping with V8 in it: it exports what V8 tells debuggers about itself.
std::optional<LoadedImage> find_v8_image(int pid, const MemoryMap& map) {
  for (const Mapping* mapping : executable_files(map)) {
    auto image = load_image(pid, map, *mapping);
    if (image && image->elf->find_exported("v8dbg_TaggedSize")) return std::move(*image);
  }
  return std::nullopt;
}

void blame(const StackFrame& frame, ResolvedStack& out) {
  out.function = frame.function;
  out.file = frame.file;
  out.line = frame.line;
}

/// The innermost frame of the program's own JavaScript; where there is none, of Node's.
void blame_javascript(const V8Walk& walk, ResolvedStack& out) {
  for (const V8Frame& frame : walk.frames) {
    if (frame.is_user) return blame(frame.frame, out);
  }
  for (const V8Frame& frame : walk.frames) {
    if (!frame.frame.file.empty()) return blame(frame.frame, out);
  }
}

void blame_native(const NativeWalk& walk, ResolvedStack& out) {
  for (const NativeFrame& frame : walk.frames) {
    if (!frame.is_runtime && !frame.frame.function.empty()) return blame(frame.frame, out);
  }
}

}  // namespace

ProcessStacks::ProcessStacks(ProcessId id, std::string runtime_version, const Clock& clock)
    : id_(id), runtime_version_(std::move(runtime_version)), clock_(clock), memory_(id.pid) {}

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
  if (native_ && executable == executable_ && base == base_) return;
  executable_ = std::move(executable);
  base_ = base;
  native_ = NativeStack::open(id_.pid);
  open_v8();
}

void ProcessStacks::open_v8() {
  v8_.reset();
  v8_problem_.clear();
  const auto image = find_v8_image(id_.pid, map_);
  if (!image) return;
  auto v8 = V8Stack::open(*image, runtime_version_);
  if (v8) {
    v8_ = std::move(*v8);
  } else {
    v8_problem_ = v8.error().message;
  }
}

ResolvedStack ProcessStacks::resolve(const StackSample& sample, V8Thread& thread) {
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
    blame_native(native, out);
    return out;
  }
  if (!javascript.trusted) {
    out.problem = javascript.problem;
    return out;
  }
  for (const V8Frame& frame : javascript.frames) out.frames.push_back(frame.frame);
  blame_javascript(javascript, out);
  return out;
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
  refresh(sample.at);
  if (!v8_) return false;
  const SampleMemory memory(sample, memory_, clock_);
  const std::uint64_t low = sample.registers.sp;
  return v8_->learn_isolate(low, low + sample.stack.size(), memory, thread);
}

std::optional<V8StateWord> ProcessStacks::state_word(const V8Thread& thread) {
  return v8_ ? v8_->state_word(thread, memory_) : std::nullopt;
}

}  // namespace loopscope
