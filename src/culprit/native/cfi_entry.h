#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "culprit/native/cfi_row.h"

namespace loopscope {

class ByteCursor;

/// A common information entry of .eh_frame (Linux Standard Base Core, "Exception Frames").
struct CfiCie {
  std::uint64_t code_alignment = 1;
  std::int64_t data_alignment = 1;
  std::uint64_t return_register = kDwarfReturnAddress;
  std::uint8_t address_encoding = 0;
  bool has_augmentation_data = false;
  bool is_signal_frame = false;
  std::span<const std::byte> instructions;
};

/// A frame description entry: the instructions for one function.
struct CfiFde {
  std::uint64_t begin = 0;  ///< vaddr
  std::uint64_t size = 0;
  std::span<const std::byte> instructions;
};

/// Reads a pointer of .eh_frame (DW_EH_PE_*) off `bytes`, which stand at `vaddr`; `data_base`
/// is what "datarel" counts from. Absent: an encoding no linker writes here.
std::optional<std::uint64_t> take_encoded(ByteCursor& bytes, std::uint8_t encoding,
                                          std::uint64_t vaddr, std::uint64_t data_base);

/// `bytes` are what follows the length word. Absent: malformed or of no known kind.
std::optional<CfiCie> parse_cie(std::span<const std::byte> bytes);
/// `bytes` are what follows the length word, at `vaddr`.
std::optional<CfiFde> parse_fde(const CfiCie& cie, std::span<const std::byte> bytes,
                                std::uint64_t vaddr);

}  // namespace loopscope
