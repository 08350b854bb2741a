#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "culprit/native/native_class.h"
#include "culprit/stack_sample.h"
#include "loopscope/stall_record.h"
#include "target/memory_map.h"
#include "target/memory_reader.h"

namespace loopscope {

/// One native frame, innermost first.
struct NativeFrame {
  StackFrame frame;  ///< kind "native" ("js" for names from a perf map); file: base name of the
                     ///< image, else empty
  std::uint64_t pc = 0;
  NativeRole role = NativeRole::kProgram;  ///< as far as names of functions and images tell
  std::string image;                       ///< path in the target; empty: of no file
};

class NativeImage;

/// Frames found and not yet named.
struct NativeUnwinding {
  struct Frame {
    std::uint64_t pc = 0;
    std::uint64_t lookup = 0;            ///< an address inside the call, if pc is a return address
    std::shared_ptr<NativeImage> image;  ///< nullptr: none
    const Mapping* mapping = nullptr;    ///< in the map that was used
  };
  std::vector<Frame> frames;
  std::optional<GeneratedFrame> generated;  ///< absent: it did not end there
};

struct NativeWalk {
  std::vector<NativeFrame> frames;
  std::optional<GeneratedFrame> generated;
};

/// Walks and names native frames of one process. Symbols come from its ELF images (read
/// through its mount namespace), C++ names demangled and shortened, and from
/// /tmp/perf-PID.map. Not thread-safe.
class NativeStack {
 public:
  /// Nothing is opened before the first walk; images that cannot be opened give frames
  /// without a name.
  static std::unique_ptr<NativeStack> open(int pid);
  virtual ~NativeStack() = default;

  /// Ends at code for which `is_generated` is true (may be empty). `memory`: see SampleMemory.
  virtual NativeUnwinding unwind(const StackSample& sample, const MemoryReader& memory,
                                 const MemoryMap& map,
                                 const std::function<bool(std::uint64_t pc)>& is_generated) = 0;
  /// The map of the unwinding must still be there. Slower by far, for an image seen first.
  virtual NativeWalk name(const NativeUnwinding& unwinding) = 0;
  NativeWalk walk(const StackSample& sample, const MemoryReader& memory, const MemoryMap& map,
                  const std::function<bool(std::uint64_t pc)>& is_generated) {
    return name(unwind(sample, memory, map, is_generated));
  }
};

}  // namespace loopscope
