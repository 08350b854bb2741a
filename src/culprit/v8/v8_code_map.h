#pragma once

#include <cstdint>

#include "culprit/v8/v8_builtins.h"
#include "culprit/v8/v8_layout.h"
#include "target/loaded_image.h"
#include "target/memory_map.h"

namespace loopscope {

enum class V8CodeKind : std::uint8_t {
  kNone,      ///< no executable memory
  kNative,    ///< of the image or a library
  kBuiltins,  ///< V8's embedded builtins
  kJit,       ///< made at run time
};

/// Tells generated code from native. JIT code stands in anonymous executable memory; the
/// builtins in the image itself and, from Node 20 on where there is memory enough, in a second
/// mapping of the image's file near the JIT code.
class V8CodeMap {
 public:
  /// `image` must outlive this.
  V8CodeMap(const V8Layout& layout, const LoadedImage& image)
      : image_(image),
        builtins_{layout.builtins_start, layout.builtins_end},
        handlers_start_(layout.handlers_start) {}

  V8CodeKind kind(std::uint64_t pc, const MemoryMap& map) const;
  bool is_generated(std::uint64_t pc, const MemoryMap& map) const {
    const V8CodeKind found = kind(pc, map);
    return found == V8CodeKind::kBuiltins || found == V8CodeKind::kJit;
  }
  /// Whether `pc` is in the handler of a bytecode. False where the image is stripped.
  bool is_handler(std::uint64_t pc, const MemoryMap& map) const;
  bool knows_handlers() const { return handlers_start_ != 0; }
  /// Whether builtins can be told from the image's other code.
  bool knows_builtins(const MemoryMap& map) const;

 private:
  bool is_second_mapping(const Mapping& mapping) const;
  /// Of a stripped image the second mapping tells it, once it is there.
  const V8Builtins& builtins_of(const MemoryMap& map) const;

  const LoadedImage& image_;
  mutable V8Builtins builtins_;  ///< end 0: not known yet
  const std::uint64_t handlers_start_;
};

}  // namespace loopscope
