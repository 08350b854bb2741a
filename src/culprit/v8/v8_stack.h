#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "culprit/stack_sample.h"
#include "culprit/v8/v8_collector.h"
#include "culprit/v8/v8_script_text.h"
#include "loopscope/stall_record.h"
#include "target/loaded_image.h"
#include "target/memory_map.h"
#include "target/memory_reader.h"

namespace loopscope {

/// One JavaScript (or builtin, or Wasm) frame, innermost first in a walk.
struct V8Frame {
  StackFrame frame;      ///< kind "js"; file empty for builtins and code without a script
  bool is_user = false;  ///< has a script file that is not node:internal or another of Node's own
  bool is_made = false;  ///< has a script without any name: eval, new Function
  bool is_named_by_url = false;  ///< the file is what a sourceURL comment in the script says
  std::uint64_t script = 0;      ///< address of its Script; 0: none
};

/// What a walk of one sample found.
struct V8Walk {
  /// False: something in generated code above the culprit could not be read, so whatever
  /// stands in `frames` must not be taken for the culprit.
  bool trusted = false;
  /// The isolate says that no JavaScript is on the stack (an idle loop).
  bool no_javascript = false;
  std::vector<V8Frame> frames;
  std::string problem;  ///< why it is not trusted; for the log at debug level
};

/// Where the state word of an isolate stands: while it reads `gc_value`, the collector runs.
struct V8StateWord {
  std::uint64_t address = 0;
  std::uint32_t gc_value = 0;
  std::optional<V8CollectionWords> collections =
      std::nullopt;  ///< more exact, where they are known
};

/// What is known of one thread's isolate; learned by walks, kept by the caller per thread.
struct V8Thread {
  std::uint64_t isolate_root = 0;  ///< r13 in generated code; 0: not known yet
};

/// Reads JavaScript stacks of one process from outside (the facts it stands on: docs/culprits.md).
/// Immutable but for caches of scripts and names; not thread-safe.
class V8Stack {
 public:
  /// `image`: the one with V8 in it (has v8dbg_* symbols). Error: no V8, or a build or version
  /// whose layout is not known; one clear line for the log. `memory`, `map`: of the process, now;
  /// they may tell what the image does not.
  static Result<std::unique_ptr<V8Stack>> open(const LoadedImage& image, const std::string& version,
                                               const MemoryReader* memory = nullptr,
                                               const MemoryMap* map = nullptr);
  virtual ~V8Stack() = default;

  /// `memory` is a SampleMemory or a fake; everything in it is hostile. `map` may be a little
  /// out of date.
  virtual V8Walk walk(const StackSample& sample, const MemoryReader& memory, const MemoryMap& map,
                      V8Thread& thread) = 0;
  /// The same from the frame on that unwinding found: better than to search for it by the frame
  /// pointer, which leaf functions leave at their caller's frame, or to ask the isolate, which
  /// is read later than the sample was taken.
  virtual V8Walk walk_from(const GeneratedFrame& entry, const StackSample& sample,
                           const MemoryReader& memory, const MemoryMap& map, V8Thread& thread) = 0;
  /// Whether `pc` is in code V8 generated (JIT or embedded builtins), so that native unwinding
  /// must end there.
  virtual bool is_generated_code(std::uint64_t pc, const MemoryMap& map) const = 0;
  /// Tries to learn the isolate of a thread from the words of its stack, without registers.
  virtual bool learn_isolate(std::uint64_t stack_low, std::uint64_t stack_high,
                             const MemoryReader& memory, V8Thread& thread) = 0;
  /// Where the text of a frame's script stands now; absent: not readable.
  virtual std::optional<V8ScriptText> script_text(std::uint64_t script,
                                                  const MemoryReader& memory) const = 0;
  /// Absent while the isolate is not known, or where the version's layout is not.
  virtual std::optional<V8StateWord> state_word(const V8Thread& thread,
                                                const MemoryReader& memory) const = 0;
};

}  // namespace loopscope
