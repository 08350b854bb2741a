#pragma once

#include <cstdint>
#include <optional>

#include "target/elf_image.h"
#include "target/memory_map.h"
#include "target/memory_reader.h"

namespace loopscope {

/// What the loader added to the link-time addresses, judged by one mapping of the file
/// (modulo 2^64); absent: the mapping fits none of the file's segments.
std::optional<std::uint64_t> load_bias(const ElfImage& elf, const Mapping& mapping);

enum class Likeness : std::uint8_t { kSame, kOther, kUnknown };

/// Whether `elf` is what stands in memory at `mapping`: its build id, where memory has it; else
/// pieces of the mapping, if that is one that programs do not write to (sixteen of 64 bytes;
/// pages that are not in memory yet may be loaded by that). A breakpoint in the code makes no
/// difference. A file that has nothing at the mapping's offset is another one. Unknown: memory
/// cannot be read, or nothing in it can be compared.
Likeness compare_with_memory(const ElfImage& elf, const MemoryMap& map, const Mapping& mapping,
                             const MemoryReader& memory);

}  // namespace loopscope
