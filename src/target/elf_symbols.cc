#include "target/elf_symbols.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <unordered_map>

namespace loopscope {
namespace {

constexpr std::uint64_t kMaxSymbolBytes = std::uint64_t{64} << 20;
constexpr std::uint64_t kMaxStringBytes = std::uint64_t{256} << 20;
constexpr std::size_t kStringChunk = 65536;
constexpr std::size_t kMaxPlacesPerQuestion = 4096;

/// Calls visit(entry) for each entry of a table until it returns false.
template <typename Entry, typename Visit>
void for_each_entry(const ElfFile& file, const ElfSection& table, Visit visit) {
  std::array<Entry, 2048> entries;
  const std::uint64_t size = std::min(table.size, kMaxSymbolBytes);
  std::uint64_t done = 0;
  while (size - done >= sizeof(Entry)) {
    const std::size_t wanted = std::min<std::uint64_t>(sizeof entries, size - done);
    const std::size_t got = file.read_some(
        table.offset + done, std::as_writable_bytes(std::span(entries)).first(wanted));
    const std::size_t count = got / sizeof(Entry);
    if (count == 0) return;
    for (std::size_t i = 0; i < count; ++i) {
      if (!visit(entries[i])) return;
    }
    done += count * sizeof(Entry);
  }
}

const ElfSection* linked_section(const ElfFile& file, const ElfSection& section) {
  return section.link < file.sections().size() ? &file.sections()[section.link] : nullptr;
}

bool is_function(const Elf64_Sym& symbol) {
  const int type = ELF64_ST_TYPE(symbol.st_info);
  return type == STT_FUNC || type == STT_GNU_IFUNC;
}

bool is_defined(const Elf64_Sym& symbol) {
  return symbol.st_shndx != SHN_UNDEF && symbol.st_value != 0;
}

ElfSymbol describe(const Elf64_Sym& symbol, std::string name) {
  return {std::move(name), symbol.st_value, symbol.st_size, is_function(symbol),
          is_defined(symbol)};
}

/// Where in a string table each name stands: offset -> index of the name. Linkers let
/// one string be the tail of another, so a name may end any string.
std::unordered_map<std::uint64_t, std::size_t> find_strings(
    const ElfFile& file, const ElfSection& strings, std::span<const std::string_view> names) {
  std::unordered_map<std::uint64_t, std::size_t> places;
  std::size_t longest = 0;
  for (const std::string_view name : names) longest = std::max(longest, name.size());

  std::vector<char> buffer(longest + kStringChunk);
  std::size_t kept = 0;         // bytes of the chunk before, at the buffer's front
  std::uint64_t buffer_at = 0;  // offset of the buffer's front in the table
  const std::uint64_t size = std::min(strings.size, kMaxStringBytes);
  while (buffer_at + kept < size) {
    const std::size_t wanted = std::min<std::uint64_t>(kStringChunk, size - buffer_at - kept);
    const std::size_t got =
        file.read_some(strings.offset + buffer_at + kept,
                       std::as_writable_bytes(std::span(buffer).subspan(kept, wanted)));
    if (got == 0) break;
    const std::size_t filled = kept + got;
    std::size_t from = kept;
    while (const void* found = std::memchr(buffer.data() + from, 0, filled - from)) {
      const auto end = static_cast<std::size_t>(static_cast<const char*>(found) - buffer.data());
      for (std::size_t i = 0; i < names.size(); ++i) {
        const std::size_t length = names[i].size();
        if (length == 0 || length > end || buffer[end - 1] != names[i].back()) continue;
        if (std::memcmp(buffer.data() + end - length, names[i].data(), length) != 0) continue;
        places.emplace(buffer_at + end - length, i);
        if (places.size() >= kMaxPlacesPerQuestion * names.size()) return places;
      }
      from = end + 1;
      if (from >= filled) break;
    }
    const std::size_t keep = std::min(longest, filled);
    std::memmove(buffer.data(), buffer.data() + filled - keep, keep);
    buffer_at += filled - keep;
    kept = keep;
  }
  return places;
}

}  // namespace

std::vector<std::optional<ElfSymbol>> symbols_by_name(const ElfFile& file, const ElfSection& table,
                                                      std::span<const std::string_view> names) {
  std::vector<std::optional<ElfSymbol>> answers(names.size());
  const ElfSection* strings = linked_section(file, table);
  if (strings == nullptr || names.empty()) return answers;
  const auto places = find_strings(file, *strings, names);
  if (places.empty()) return answers;
  for_each_entry<Elf64_Sym>(file, table, [&](const Elf64_Sym& symbol) {
    if (!is_defined(symbol)) return true;
    const auto place = places.find(symbol.st_name);
    if (place == places.end()) return true;
    auto& answer = answers[place->second];
    // A local symbol does not hide a global one of its name.
    const bool is_local = ELF64_ST_BIND(symbol.st_info) == STB_LOCAL;
    if (!answer || !is_local) {
      answer = describe(symbol, std::string(names[place->second]));
    }
    return true;
  });
  return answers;
}

std::vector<std::optional<ElfSymbol>> symbols_by_address(const ElfFile& file,
                                                         const ElfSection& table,
                                                         std::span<const std::uint64_t> vaddrs) {
  std::vector<std::optional<ElfSymbol>> answers(vaddrs.size());
  const ElfSection* strings = linked_section(file, table);
  if (strings == nullptr || vaddrs.empty()) return answers;

  std::vector<std::size_t> order(vaddrs.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return vaddrs[a] < vaddrs[b]; });
  std::vector<std::optional<Elf64_Sym>> best(vaddrs.size());
  for_each_entry<Elf64_Sym>(file, table, [&](const Elf64_Sym& symbol) {
    if (!is_defined(symbol) || !is_function(symbol)) return true;
    auto at = std::lower_bound(
        order.begin(), order.end(), symbol.st_value,
        [&](std::size_t index, std::uint64_t value) { return vaddrs[index] < value; });
    const std::uint64_t size = std::max<std::uint64_t>(symbol.st_size, 1);
    for (; at != order.end() && vaddrs[*at] - symbol.st_value < size; ++at) {
      // The innermost one: hand-written assembly nests labels.
      if (!best[*at] || symbol.st_value > best[*at]->st_value) best[*at] = symbol;
    }
    return true;
  });
  for (std::size_t i = 0; i < best.size(); ++i) {
    if (!best[i]) continue;
    if (auto name = file.string_at(*strings, best[i]->st_name)) {
      answers[i] = describe(*best[i], std::move(*name));
    }
  }
  return answers;
}

std::vector<ElfSymbol> symbols_in_range(const ElfFile& file, const ElfSection& table,
                                        std::uint64_t begin, std::uint64_t end, std::size_t limit) {
  std::vector<Elf64_Sym> found;
  const ElfSection* strings = linked_section(file, table);
  if (strings == nullptr) return {};
  for_each_entry<Elf64_Sym>(file, table, [&](const Elf64_Sym& symbol) {
    if (is_defined(symbol) && is_function(symbol) && symbol.st_value >= begin &&
        symbol.st_value < end) {
      found.push_back(symbol);
    }
    return found.size() < limit;
  });
  std::sort(found.begin(), found.end(),
            [](const Elf64_Sym& a, const Elf64_Sym& b) { return a.st_value < b.st_value; });
  std::vector<ElfSymbol> answers;
  for (const Elf64_Sym& symbol : found) {
    if (auto name = file.string_at(*strings, symbol.st_name)) {
      answers.push_back(describe(symbol, std::move(*name)));
    }
  }
  return answers;
}

std::vector<std::optional<std::string>> relocation_targets(const ElfFile& file,
                                                           std::span<const std::uint64_t> vaddrs) {
  std::vector<std::optional<std::string>> answers(vaddrs.size());
  for (const ElfSection& section : file.sections()) {
    if (section.type != SHT_RELA) continue;
    const ElfSection* symbols = linked_section(file, section);
    const ElfSection* strings = symbols != nullptr ? linked_section(file, *symbols) : nullptr;
    if (strings == nullptr) continue;
    for_each_entry<Elf64_Rela>(file, section, [&](const Elf64_Rela& entry) {
      const std::uint64_t index = ELF64_R_SYM(entry.r_info);
      if (index == 0) return true;
      const auto found = std::find(vaddrs.begin(), vaddrs.end(), entry.r_offset);
      if (found == vaddrs.end() || (index + 1) * sizeof(Elf64_Sym) > symbols->size) return true;
      Elf64_Sym symbol{};
      const std::size_t got = file.read_some(symbols->offset + index * sizeof symbol,
                                             std::as_writable_bytes(std::span(&symbol, 1)));
      if (got == sizeof symbol) {
        answers[static_cast<std::size_t>(found - vaddrs.begin())] =
            file.string_at(*strings, symbol.st_name);
      }
      return true;
    });
  }
  return answers;
}

}  // namespace loopscope
