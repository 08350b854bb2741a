#pragma once

#include <cstdint>

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
  /// Both must outlive this.
  V8CodeMap(const V8Layout& layout, const LoadedImage& image) : layout_(layout), image_(image) {}

  V8CodeKind kind(std::uint64_t pc, const MemoryMap& map) const;
  bool is_generated(std::uint64_t pc, const MemoryMap& map) const {
    const V8CodeKind found = kind(pc, map);
    return found == V8CodeKind::kBuiltins || found == V8CodeKind::kJit;
  }
  /// Whether builtins can be told from the image's other code.
  bool knows_builtins(const MemoryMap& map) const;

 private:
  bool is_second_mapping(const Mapping& mapping) const;

  const V8Layout& layout_;
  const LoadedImage& image_;
};

}  // namespace loopscope
