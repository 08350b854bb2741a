#include "culprit/native/cfi_entry.h"

#include <dwarf.h>

#include <string>

#include "culprit/native/byte_cursor.h"

namespace loopscope {
namespace {

constexpr std::size_t kMaxAugmentation = 16;
// Not in elfutils' dwarf.h.
constexpr std::uint8_t kPeFormat = 0x0f;
constexpr std::uint8_t kPeRelation = 0x70;

}  // namespace

std::optional<std::uint64_t> take_encoded(ByteCursor& bytes, std::uint8_t encoding,
                                          std::uint64_t vaddr, std::uint64_t data_base) {
  const std::uint64_t place = vaddr + bytes.position();
  std::uint64_t value = 0;
  switch (encoding & kPeFormat) {
    case DW_EH_PE_absptr:
    case DW_EH_PE_udata8:
    case DW_EH_PE_sdata8:
      value = bytes.take<std::uint64_t>();
      break;
    case DW_EH_PE_uleb128:
      value = bytes.take_uleb();
      break;
    case DW_EH_PE_udata2:
      value = bytes.take<std::uint16_t>();
      break;
    case DW_EH_PE_udata4:
      value = bytes.take<std::uint32_t>();
      break;
    case DW_EH_PE_sleb128:
      value = static_cast<std::uint64_t>(bytes.take_sleb());
      break;
    case DW_EH_PE_sdata2:
      value = static_cast<std::uint64_t>(bytes.take<std::int16_t>());
      break;
    case DW_EH_PE_sdata4:
      value = static_cast<std::uint64_t>(bytes.take<std::int32_t>());
      break;
    default:
      return std::nullopt;
  }
  if ((encoding & kPeRelation) == DW_EH_PE_pcrel) value += place;
  if ((encoding & kPeRelation) == DW_EH_PE_datarel) value += data_base;
  if (!bytes.ok()) return std::nullopt;
  return value;
}

std::optional<CfiCie> parse_cie(std::span<const std::byte> bytes) {
  ByteCursor cursor(bytes);
  if (cursor.take<std::uint32_t>() != 0) return std::nullopt;
  const auto version = cursor.take<std::uint8_t>();
  if (version != 1 && version != 3) return std::nullopt;
  std::string augmentation;
  while (const auto letter = cursor.take<char>()) {
    if (augmentation.size() >= kMaxAugmentation) return std::nullopt;
    augmentation += letter;
  }
  if (!augmentation.empty() && augmentation.front() != 'z') return std::nullopt;
  CfiCie cie;
  cie.code_alignment = cursor.take_uleb();
  cie.data_alignment = cursor.take_sleb();
  cie.return_register = version == 1 ? cursor.take<std::uint8_t>() : cursor.take_uleb();
  if (!augmentation.empty()) {
    cie.has_augmentation_data = true;
    ByteCursor data(cursor.take_bytes(cursor.take_uleb()));
    for (const char letter : augmentation.substr(1)) {
      if (letter == 'R') {
        cie.address_encoding = data.take<std::uint8_t>();
      } else if (letter == 'L') {
        data.take<std::uint8_t>();
      } else if (letter == 'P') {
        // The personality routine: only its size matters.
        if (!take_encoded(data, data.take<std::uint8_t>(), 0, 0)) return std::nullopt;
      } else if (letter == 'S') {
        cie.is_signal_frame = true;
      } else {
        return std::nullopt;
      }
    }
    if (!data.ok()) return std::nullopt;
  }
  if (!cursor.ok()) return std::nullopt;
  cie.instructions = cursor.rest();
  return cie;
}

std::optional<CfiFde> parse_fde(const CfiCie& cie, std::span<const std::byte> bytes,
                                std::uint64_t vaddr) {
  ByteCursor cursor(bytes);
  cursor.take<std::uint32_t>();  // where the CIE is
  CfiFde fde;
  const auto relation = cie.address_encoding & 0xf0;
  if (relation != 0 && relation != DW_EH_PE_pcrel) return std::nullopt;
  const auto begin = take_encoded(cursor, cie.address_encoding, vaddr, 0);
  const auto size = take_encoded(cursor, cie.address_encoding & kPeFormat, 0, 0);
  if (!begin || !size) return std::nullopt;
  fde.begin = *begin;
  fde.size = *size;
  if (cie.has_augmentation_data) cursor.take_bytes(cursor.take_uleb());
  if (!cursor.ok()) return std::nullopt;
  fde.instructions = cursor.rest();
  return fde;
}

}  // namespace loopscope
