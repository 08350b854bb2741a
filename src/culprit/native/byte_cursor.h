#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace loopscope {

/// Reads little-endian values off a range of hostile bytes. Reading past the end, or a LEB128
/// number of more than 64 bits, gives 0 and makes ok() false for good.
class ByteCursor {
 public:
  explicit ByteCursor(std::span<const std::byte> bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  bool at_end() const { return !ok_ || at_ == bytes_.size(); }
  std::size_t position() const { return at_; }
  std::span<const std::byte> rest() const { return bytes_.subspan(at_); }

  template <typename T>
  T take() {
    T value{};
    const auto piece = take_bytes(sizeof value);
    if (ok_) std::memcpy(&value, piece.data(), sizeof value);
    return value;
  }

  std::uint64_t take_uleb() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = take<std::uint8_t>();
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    ok_ = false;
    return 0;
  }

  std::int64_t take_sleb() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = take<std::uint8_t>();
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) != 0) continue;
      if ((byte & 0x40) != 0 && shift + 7 < 64) value |= ~std::uint64_t{0} << (shift + 7);
      return static_cast<std::int64_t>(value);
    }
    ok_ = false;
    return 0;
  }

  /// The next `size` bytes; empty if there are fewer.
  std::span<const std::byte> take_bytes(std::uint64_t size) {
    if (!ok_ || size > bytes_.size() - at_) {
      ok_ = false;
      return {};
    }
    const auto piece = bytes_.subspan(at_, size);
    at_ += size;
    return piece;
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace loopscope
