#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "culprit/v8/v8_heap.h"

namespace loopscope {

/// A Code object of the JIT compilers.
struct V8Code {
  enum class Kind : std::uint8_t { kBaseline, kMaglev, kOptimized, kOther };

  bool is_optimized() const { return kind == Kind::kMaglev || kind == Kind::kOptimized; }

  V8Object object;
  Kind kind = Kind::kOther;
  std::uint64_t start = 0;  ///< of its instructions
  std::uint64_t size = 0;
};

/// Finds the Code object whose instructions hold a pc, by going back from it to the header in
/// front of them. Remembers where code was found, at most kMaxRemembered of it; what is
/// remembered is checked again before it is used.
class V8CodeFinder {
 public:
  std::optional<V8Code> find(const V8Heap& heap, std::uint64_t pc);

 private:
  static constexpr std::size_t kMaxRemembered = 1024;

  std::set<std::uint64_t> starts_;  ///< of instructions
};

/// The bytes of a ByteArray; absent: not readable, or more than 1 MiB.
std::optional<std::vector<std::byte>> read_byte_array(const V8Heap& heap, const V8Object& array);

}  // namespace loopscope
