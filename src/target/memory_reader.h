#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>

#include "base/result.h"

namespace loopscope {

/// One piece of a scattered read.
struct RemoteRead {
  std::uint64_t address = 0;
  void* destination = nullptr;
  std::size_t size = 0;
};

/// Reads an address space: a target's (RemoteMemory) or, in tests, a made-up one.
class MemoryReader {
 public:
  virtual ~MemoryReader() = default;

  /// All of `destination`, or an Error that says why not.
  virtual Result<void> read(std::uint64_t address, std::span<std::byte> destination) const = 0;
  /// All pieces (at most kMaxPieces), or false. Cheap: made for the sampling path.
  virtual bool read_many(std::span<const RemoteRead> pieces) const = 0;
  /// As many bytes from `address` on as are readable; 0: none.
  virtual std::size_t read_some(std::uint64_t address, std::span<std::byte> destination) const = 0;

  template <typename T>
  std::optional<T> read_value(std::uint64_t address) const {
    static_assert(std::is_trivially_copyable_v<T>);
    T value{};
    const RemoteRead piece{address, &value, sizeof value};
    if (!read_many({&piece, 1})) return std::nullopt;
    return value;
  }

  static constexpr std::size_t kMaxPieces = 16;
};

}  // namespace loopscope
