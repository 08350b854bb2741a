#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "culprit/v8/v8_layout.h"
#include "target/memory_reader.h"

namespace loopscope {

/// A heap object whose map was read: its address without the tag, and what it is.
struct V8Object {
  std::uint64_t address = 0;
  std::uint16_t type = 0;
};

/// Typed, checked reads of V8's heap. A tagged word is a Smi (bit 0 clear, value in the upper
/// half) or a pointer (low bits 01; 11 if weak). Nothing read is believed before its map says
/// what it is. Lives as long as one walk.
class V8Heap {
 public:
  V8Heap(const V8Layout& layout, const MemoryReader& memory) : layout_(layout), memory_(memory) {}

  const V8Layout& layout() const { return layout_; }
  const MemoryReader& memory() const { return memory_; }

  static bool is_smi(std::uint64_t word) { return (word & 1) == 0; }
  static std::int32_t smi_value(std::uint64_t word) {
    return static_cast<std::int32_t>(static_cast<std::int64_t>(word) >> 32);
  }
  /// Could be a pointer into the heap.
  static bool is_pointer(std::uint64_t word) {
    return (word & 1) != 0 && word > 0x10000 && word < (std::uint64_t{1} << 47);
  }

  std::optional<std::uint64_t> word(std::uint64_t address) const {
    return memory_.read_value<std::uint64_t>(address);
  }
  /// What `tagged` points to. A map word that is no pointer is the address an object was moved
  /// to by a collection in progress, and is followed once.
  std::optional<V8Object> object(std::uint64_t tagged) const;
  /// The same, if it is of this type.
  std::optional<V8Object> object_of(std::uint64_t tagged, std::uint16_t type) const;
  std::optional<V8Object> function(std::uint64_t tagged) const;
  bool is_string(const V8Object& object) const {
    return object.type < layout_.type_first_nonstring;
  }

  std::optional<std::uint64_t> field(const V8Object& object, std::uint32_t offset) const {
    return word(object.address + offset);
  }
  /// Absent if the field is no Smi.
  std::optional<std::int32_t> smi_field(const V8Object& object, std::uint32_t offset) const;
  /// Number of elements of an array of any kind; absent if it is none or negative.
  std::optional<std::uint32_t> array_length(const V8Object& array) const;
  std::optional<std::uint64_t> array_element(const V8Object& array, std::uint32_t index) const;

 private:
  std::optional<std::uint16_t> type_of_map(std::uint64_t map) const;

  const V8Layout& layout_;
  const MemoryReader& memory_;
  mutable std::unordered_map<std::uint64_t, std::uint16_t> types_;  ///< by map, of this walk
};

}  // namespace loopscope
