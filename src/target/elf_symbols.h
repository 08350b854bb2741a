#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "target/elf_file.h"
#include "target/elf_image.h"

// Questions to an ELF file's symbol and relocation tables. The tables are streamed, in
// the file's order, through a buffer of some 64 KiB; answers stand in the order of the
// questions. Tables larger than any real one (64 MiB of symbols, 256 MiB of names) are
// searched no further than that.

namespace loopscope {

/// Defined symbols of these exact names in one symbol table.
std::vector<std::optional<ElfSymbol>> symbols_by_name(const ElfFile& file, const ElfSection& table,
                                                      std::span<const std::string_view> names);

/// The defined functions that cover these addresses.
std::vector<std::optional<ElfSymbol>> symbols_by_address(const ElfFile& file,
                                                         const ElfSection& table,
                                                         std::span<const std::uint64_t> vaddrs);

/// Defined functions that begin in [begin, end), ascending, at most `limit`.
std::vector<ElfSymbol> symbols_in_range(const ElfFile& file, const ElfSection& table,
                                        std::uint64_t begin, std::uint64_t end, std::size_t limit);

/// Names of the symbols whose addresses the loader stores at these places.
std::vector<std::optional<std::string>> relocation_targets(const ElfFile& file,
                                                           std::span<const std::uint64_t> vaddrs);

}  // namespace loopscope
