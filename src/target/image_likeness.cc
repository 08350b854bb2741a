#include "target/image_likeness.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace loopscope {
namespace {

constexpr std::uint64_t kPageMask = 4095;
constexpr std::size_t kPieces = 16;
constexpr std::size_t kPieceSize = 64;
constexpr std::byte kBreakpoint{0xcc};  // int3

Likeness compare_build_ids(const ElfImage& elf, const MemoryMap& map, const Mapping& mapping,
                           std::uint64_t bias, const MemoryReader& memory) {
  const auto place = elf.build_id_place();
  if (!place) return Likeness::kUnknown;
  const std::uint64_t address = place->address + bias;
  const Mapping* holder = map.find(address);
  if (holder == nullptr || !holder->is_of_same_file(mapping)) return Likeness::kUnknown;
  std::vector<std::byte> mapped(place->size);
  if (!memory.read(address, mapped)) return Likeness::kUnknown;
  const auto filed = elf.read_at_vaddr(place->address, place->size);
  if (!filed) return Likeness::kUnknown;
  return *filed == mapped ? Likeness::kSame : Likeness::kOther;
}

bool is_like(std::span<const std::byte> filed, std::span<const std::byte> mapped) {
  return std::equal(
      filed.begin(), filed.end(), mapped.begin(), mapped.end(),
      [](std::byte file, std::byte memory) { return file == memory || memory == kBreakpoint; });
}

Likeness compare_pieces(const ElfImage& elf, const Mapping& mapping, std::uint64_t bias,
                        const MemoryReader& memory) {
  if (!mapping.readable || mapping.writable) return Likeness::kUnknown;
  Likeness likeness = Likeness::kUnknown;
  const std::uint64_t step = mapping.size() / kPieces;
  for (std::size_t i = 0; i < kPieces; ++i) {
    const std::uint64_t address = mapping.start + i * step;
    std::array<std::byte, kPieceSize> filed{};
    std::array<std::byte, kPieceSize> mapped{};
    const std::size_t size =
        std::min(elf.read_some_at_vaddr(address - bias, filed), memory.read_some(address, mapped));
    if (size == 0) continue;
    if (!is_like(std::span(filed).first(size), std::span(mapped).first(size))) {
      return Likeness::kOther;
    }
    likeness = Likeness::kSame;
  }
  return likeness;
}

}  // namespace

std::optional<std::uint64_t> load_bias(const ElfImage& elf, const Mapping& mapping) {
  const ElfSegment* best = nullptr;
  for (const ElfSegment& segment : elf.segments()) {
    const std::uint64_t first_page = segment.offset & ~kPageMask;
    if (mapping.offset < first_page || mapping.offset >= segment.offset + segment.file_size) {
      continue;
    }
    // Neighbouring segments share a page of the file; the one with the mapping's rights
    // is the one meant.
    if (best == nullptr || segment.executable == mapping.executable) best = &segment;
  }
  if (best == nullptr) return std::nullopt;
  return mapping.start - (best->address + (mapping.offset - best->offset));
}

Likeness compare_with_memory(const ElfImage& elf, const MemoryMap& map, const Mapping& mapping,
                             const MemoryReader& memory) {
  const auto bias = load_bias(elf, mapping);
  if (!bias) return Likeness::kOther;
  const Likeness by_build_id = compare_build_ids(elf, map, mapping, *bias, memory);
  if (by_build_id != Likeness::kUnknown) return by_build_id;
  return compare_pieces(elf, mapping, *bias, memory);
}

}  // namespace loopscope
