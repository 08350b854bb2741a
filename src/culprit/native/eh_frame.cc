#include "culprit/native/eh_frame.h"

#include <dwarf.h>

#include <algorithm>
#include <array>

#include "culprit/native/byte_cursor.h"
#include "culprit/native/cfi_entry.h"
#include "culprit/native/cfi_program.h"

namespace loopscope {
namespace {

constexpr std::size_t kMaxEntry = 32768;  // bytes of one CIE or FDE
constexpr std::uint64_t kLinear = 256;    // table entries read at once
// version, encodings of the section's address, of the count and of the table: what every
// linker writes.
constexpr std::array<std::uint8_t, 4> kUsualHeader = {
    1, DW_EH_PE_pcrel | DW_EH_PE_sdata4, DW_EH_PE_udata4, DW_EH_PE_datarel | DW_EH_PE_sdata4};

struct TableEntry {
  std::int32_t pc;  // both relative to the header
  std::int32_t entry;
};

/// What follows the length word of the entry at `vaddr`; empty: malformed.
std::vector<std::byte> read_entry(const ElfImage& image, std::uint64_t vaddr) {
  std::uint32_t length = 0;
  const auto word = std::as_writable_bytes(std::span(&length, 1));
  // 0xffffffff would begin the 64-bit form, which .eh_frame does not use.
  if (image.read_some_at_vaddr(vaddr, word) < sizeof length || length > kMaxEntry) return {};
  std::vector<std::byte> bytes(length);
  if (image.read_some_at_vaddr(vaddr + sizeof length, bytes) < length) return {};
  return bytes;
}

}  // namespace

EhFrame::EhFrame(const ElfImage& image) {
  const auto section = image.section(".eh_frame_hdr");
  if (!section || section->size < 12) return;
  std::array<std::byte, 12> bytes{};
  if (image.read_some_at_vaddr(section->address, bytes) < bytes.size()) return;
  ByteCursor cursor(bytes);
  for (const std::uint8_t expected : kUsualHeader) {
    if (cursor.take<std::uint8_t>() != expected) return;
  }
  cursor.take<std::uint32_t>();
  header_ = section->address;
  table_ = section->address + bytes.size();
  count_ = std::min<std::uint64_t>(cursor.take<std::uint32_t>(),
                                   (section->size - bytes.size()) / sizeof(TableEntry));
}

std::optional<std::uint64_t> EhFrame::find_entry(const ElfImage& image, std::uint64_t pc) const {
  const auto wanted = static_cast<std::int64_t>(pc - header_);
  std::uint64_t first = 0;
  std::uint64_t count = count_;
  while (count > kLinear) {
    TableEntry middle{};
    const std::uint64_t half = count / 2;
    const auto bytes = std::as_writable_bytes(std::span(&middle, 1));
    if (image.read_some_at_vaddr(table_ + (first + half) * sizeof middle, bytes) < bytes.size()) {
      return std::nullopt;
    }
    if (middle.pc <= wanted) {
      first += half;
      count -= half;
    } else {
      count = half;
    }
  }
  std::array<TableEntry, kLinear> entries{};
  const auto bytes = std::as_writable_bytes(std::span(entries).first(count));
  if (image.read_some_at_vaddr(table_ + first * sizeof(TableEntry), bytes) < bytes.size()) {
    return std::nullopt;
  }
  const auto end = entries.begin() + static_cast<std::ptrdiff_t>(count);
  const auto after = std::upper_bound(
      entries.begin(), end, wanted,
      [](std::int64_t value, const TableEntry& entry) { return value < entry.pc; });
  if (after == entries.begin()) return std::nullopt;
  return header_ + static_cast<std::uint64_t>(static_cast<std::int64_t>((after - 1)->entry));
}

std::optional<CfiRow> EhFrame::row_at(const ElfImage& image, std::uint64_t pc) const {
  if (count_ == 0) return std::nullopt;
  const auto place = find_entry(image, pc);
  if (!place) return std::nullopt;
  const std::vector<std::byte> fde_bytes = read_entry(image, *place);
  const std::uint64_t fde_body = *place + sizeof(std::uint32_t);
  const auto back = ByteCursor(fde_bytes).take<std::uint32_t>();
  if (back == 0) return std::nullopt;  // a CIE
  const std::vector<std::byte> cie_bytes = read_entry(image, fde_body - back);
  const auto cie = parse_cie(cie_bytes);
  if (!cie) return std::nullopt;
  const auto fde = parse_fde(*cie, fde_bytes, fde_body);
  if (!fde || pc - fde->begin >= fde->size) return std::nullopt;
  return run_cfi(*cie, *fde, pc);
}

}  // namespace loopscope
