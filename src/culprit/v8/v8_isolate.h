#pragma once

#include <cstdint>
#include <optional>

#include "culprit/v8/v8_layout.h"
#include "culprit/v8/v8_stack.h"
#include "target/memory_reader.h"

namespace loopscope {

/// What an isolate says of its thread's stack.
struct V8StackTops {
  std::uint64_t c_entry_fp = 0;    ///< frame of the last exit from JavaScript to C++; 0: none
  std::uint64_t fast_call_fp = 0;  ///< frame that called a C function directly; 0: none
};

/// Finding and reading isolates. The root is what generated code keeps in r13: 128 bytes past
/// the isolate's start. An isolate is known by two words that hold its own address, eight bytes
/// past its start (of its StackGuard) and in its ThreadLocalTop; the word after the first is
/// the lowest address its thread's stack may reach, which tells whose it is.
class V8Isolates {
 public:
  explicit V8Isolates(const V8Layout& layout) : layout_(layout) {}

  bool is_root(std::uint64_t root, const MemoryReader& memory) const;
  /// An isolate's root, if its thread runs on the stack that `sp` is in.
  bool is_root_of_stack(std::uint64_t root, std::uint64_t sp, const MemoryReader& memory) const;
  /// The root of the isolate one of these stack words points to; of several, the one whose
  /// stack limit is the nearest below. 0: none.
  std::uint64_t find_root(std::uint64_t stack_low, std::uint64_t stack_high,
                          const MemoryReader& memory) const;
  std::optional<V8StackTops> tops(std::uint64_t root, const MemoryReader& memory) const;
  std::optional<V8StateWord> state_word(std::uint64_t root, const MemoryReader& memory) const;

 private:
  /// From `sp` down to the stack limit of the isolate at this root; absent: none, or not this
  /// stack's.
  std::optional<std::uint64_t> distance_to_limit(std::uint64_t root, std::uint64_t sp,
                                                 const MemoryReader& memory) const;

  /// Whether the ThreadLocalTop of the isolate at this root holds the isolate's address.
  bool has_self(std::uint64_t root, const MemoryReader& memory) const;

  const V8Layout& layout_;
};

}  // namespace loopscope
