#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

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
  bool is_runtime = false;  ///< in libc, libuv, the dynamic loader, libstdc++ or the kernel's vdso:
                            ///< not the program's own
  bool is_gc = false;       ///< V8's collector
};

struct NativeWalk {
  std::vector<NativeFrame> frames;
  std::uint64_t stopped_at = 0;  ///< pc in generated code at which it ended; 0: it did not
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
  virtual NativeWalk walk(const StackSample& sample, const MemoryReader& memory,
                          const MemoryMap& map,
                          const std::function<bool(std::uint64_t pc)>& is_generated) = 0;
};

}  // namespace loopscope
