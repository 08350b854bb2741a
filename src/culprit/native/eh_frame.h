#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "culprit/native/cfi_row.h"
#include "target/elf_image.h"

namespace loopscope {

/// The unwind tables of one ELF image. Nothing is kept but where they are: a question is a
/// binary search of .eh_frame_hdr in the file (a dozen preads) and a run of the one entry found.
/// Hostile tables give no or a wrong row, bounded in time and memory.
class EhFrame {
 public:
  explicit EhFrame(const ElfImage& image);

  /// How to unwind at `pc` (a vaddr); absent: no entry covers it, or it makes no sense.
  std::optional<CfiRow> row_at(const ElfImage& image, std::uint64_t pc) const;

 private:
  std::optional<std::uint64_t> find_entry(const ElfImage& image, std::uint64_t pc) const;

  std::uint64_t header_ = 0;  ///< vaddr of .eh_frame_hdr
  std::uint64_t table_ = 0;   ///< vaddr of its search table
  std::uint64_t count_ = 0;   ///< entries; 0: there is none, or none of the usual kind
};

}  // namespace loopscope
