#pragma once

#include <cstdint>
#include <optional>

#include "culprit/v8/v8_code_map.h"
#include "culprit/v8/v8_frames.h"
#include "culprit/v8/v8_isolate.h"
#include "culprit/v8/v8_stack.h"

namespace loopscope {

/// Walks the JavaScript frames of one sample. JavaScript stands on a stack in stretches: each
/// begins with an entry frame, which C++ made to call in, and ends with an exit frame, which
/// called out. Where to start: at the top frame if generated code runs; else at the first
/// return into generated code on the chain of frame pointers; else at the exit frame the
/// isolate names. An entry frame keeps the exit frame of the stretch below it.
class V8Walker {
 public:
  /// `root`: of the thread's isolate; 0: not known.
  V8Walker(V8Frames& frames, const V8CodeMap& code, const V8Isolates& isolates,
           const MemoryMap& map, const StackSample& sample, std::uint64_t root);

  V8Walk walk();
  V8Walk walk_from(const GeneratedFrame& entry);

 private:
  struct Place {
    std::uint64_t fp = 0;
    std::uint64_t pc = 0;  ///< 0: not known, in generated code
    bool is_top = false;
    /// A builtin's: it may have no frame of its own, and a return address between this and fp.
    std::uint64_t sp = 0;
  };
  enum class Step : std::uint8_t { kNext, kEnd, kBroken };

  bool in_stack(std::uint64_t fp) const;
  V8CodeKind kind(std::uint64_t pc) const { return code_.kind(pc, map_); }
  bool is_generated(std::uint64_t pc) const { return code_.is_generated(pc, map_); }

  V8Walk walk_on(Step outcome);
  /// Finds the innermost stretch below a native frame; sets place_. kEnd: there is none.
  Step enter_from_native(std::uint64_t fp);
  Step enter_from_isolate();
  Step enter_at_exit(std::uint64_t exit_fp);
  std::optional<Place> follow_native_chain(std::uint64_t fp) const;
  /// Deals with a top frame that does not stand yet, or no more.
  Step start_at_top();
  Step step();
  /// What the code at `pc` says of the handler of the frame it runs on.
  V8Handler handler_at(std::uint64_t pc, bool is_top) const;
  Step leave_entry(const V8FrameWords& words);
  Step typed_frame(const V8FrameWords& words);
  Step next_frame(const V8FrameWords& words);
  Step function_frame(V8FrameWords words);
  /// A return address into JIT code not far above `sp`; 0: none.
  std::uint64_t return_address_near(std::uint64_t sp, std::uint64_t fp) const;
  Step broken(const char* problem);
  void add(std::vector<V8Frame> frames);

  V8Frames& frames_;
  const V8CodeMap& code_;
  const V8Isolates& isolates_;
  const MemoryMap& map_;
  const StackSample& sample_;
  const std::uint64_t root_;
  std::uint64_t stack_end_ = 0;
  std::uint64_t last_fp_ = 0;  ///< frames lie above it
  std::uint64_t low_ = 0;      ///< of the next frame and the builtins' frames below it
  V8Handler handler_ = V8Handler::kUnknown;  ///< that has made the frame before the next one
  Place place_;
  bool has_user_frame_ = false;
  V8Walk walk_;
};

}  // namespace loopscope
