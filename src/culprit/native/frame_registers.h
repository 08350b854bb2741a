#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "culprit/native/cfi_row.h"

namespace loopscope {

/// What is known of the registers of one frame, by DWARF number; the return address column
/// is not used.
struct FrameRegisters {
  std::uint64_t pc = 0;
  std::array<std::optional<std::uint64_t>, kDwarfRegisters> values;

  std::uint64_t sp() const { return values[kDwarfRsp].value_or(0); }
};

}  // namespace loopscope
