#include "culprit/native_blame.h"

#include <algorithm>
#include <iterator>

#include "culprit/v8/v8_scripts.h"

namespace loopscope {
namespace {

/// What a frame is, with what is known of its process.
NativeRole role_of(const NativeFrame& frame, const EngineImages& engines) {
  if (frame.role == NativeRole::kLoop || frame.role == NativeRole::kInterpreter) return frame.role;
  if (frame.image.empty()) {
    // Made code that no perf map names may be any script.
    return frame.frame.function.empty() ? NativeRole::kInterpreter : NativeRole::kProgram;
  }
  if (frame.role == NativeRole::kEngine || engines.is_engine(frame.image)) {
    // Without a symbol it may be what runs scripts.
    return frame.frame.function.empty() ? NativeRole::kInterpreter : NativeRole::kEngine;
  }
  if (frame.role == NativeRole::kLibrary || engines.is_engines_library(frame.image)) {
    return NativeRole::kLibrary;
  }
  return NativeRole::kProgram;
}

}  // namespace

NativeVerdict native_culprit(const NativeWalk& walk, const EngineImages& engines, bool in_poll) {
  const auto& frames = walk.frames;
  const auto outermost = std::find_if(frames.rbegin(), frames.rend(),
                                      [](const auto& f) { return f.role == NativeRole::kLoop; });
  const bool has_loop = outermost != frames.rend();
  if (in_poll && !has_loop) return {.why = "the thread waits for events"};
  const auto end = has_loop ? std::prev(outermost.base()) : frames.end();
  bool in_script = false;
  for (auto frame = frames.begin(); frame != end; ++frame) {
    const NativeRole role = role_of(*frame, engines);
    if (role == NativeRole::kInterpreter) in_script = true;
    if (role != NativeRole::kProgram || frame->frame.function.empty()) continue;
    // A perf map names scripts' functions, whatever ran them.
    const bool is_script = frame->image.empty();
    if (is_script ? !V8Scripts::is_internal(frame->frame.file) : !in_script) {
      return {.culprit = &*frame, .why = {}};
    }
  }
  if (in_script) {
    return {.why = "a script runs whose functions cannot be read", .script_runs = true};
  }
  return {.why = "no function of the program itself is on the stack"};
}

}  // namespace loopscope
