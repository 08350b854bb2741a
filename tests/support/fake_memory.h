#pragma once

#include <cstring>
#include <map>
#include <vector>

#include "target/memory_reader.h"

namespace loopscope {

/// A made-up address space of a few regions; everything else is unmapped.
class FakeMemory final : public MemoryReader {
 public:
  void map(std::uint64_t start, std::size_t size) { regions_[start].resize(size); }
  void unmap(std::uint64_t start) { regions_.erase(start); }

  template <typename T>
  void write(std::uint64_t address, T value) {
    std::byte* at = find(address, sizeof value);
    if (at != nullptr) std::memcpy(at, &value, sizeof value);
  }

  Result<void> read(std::uint64_t address, std::span<std::byte> out) const override {
    const std::byte* at = const_cast<FakeMemory*>(this)->find(address, out.size());
    if (at == nullptr) return Error{"unmapped"};
    std::memcpy(out.data(), at, out.size());
    return {};
  }
  bool read_many(std::span<const RemoteRead> pieces) const override {
    for (const RemoteRead& piece : pieces) {
      const std::span out(static_cast<std::byte*>(piece.destination), piece.size);
      if (!read(piece.address, out)) return false;
    }
    return true;
  }
  std::size_t read_some(std::uint64_t address, std::span<std::byte> out) const override {
    for (std::size_t size = out.size(); size > 0; --size) {
      if (read(address, out.first(size))) return size;
    }
    return 0;
  }

 private:
  std::byte* find(std::uint64_t address, std::size_t size) {
    auto it = regions_.upper_bound(address);
    if (it == regions_.begin()) return nullptr;
    --it;
    const std::uint64_t offset = address - it->first;
    if (offset > it->second.size() || size > it->second.size() - offset) return nullptr;
    return it->second.data() + offset;
  }

  std::map<std::uint64_t, std::vector<std::byte>> regions_;
};

}  // namespace loopscope
