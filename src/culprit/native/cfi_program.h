#pragma once

#include <cstdint>
#include <optional>

#include "culprit/native/cfi_entry.h"
#include "culprit/native/cfi_row.h"

namespace loopscope {

/// Runs both entries' instructions up to `pc` (a vaddr inside the FDE). Our own bounded
/// interpreter and not libdw's, because the bytes are hostile: libdw 0.188 follows a four-byte
/// register number of the program into 1 GB of memory and 1.5 s (measured). The tests hold the
/// two against each other on real libraries.
std::optional<CfiRow> run_cfi(const CfiCie& cie, const CfiFde& fde, std::uint64_t pc);

}  // namespace loopscope
