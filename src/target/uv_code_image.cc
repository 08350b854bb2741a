#include "target/uv_code_image.h"

#include <algorithm>
#include <cstring>

namespace loopscope {

std::optional<CodeImage::Function> UvCodeImage::find_function(std::string_view name) const {
  const auto symbol = elf_.find_symbol(name);
  if (!symbol || !symbol->is_defined) return std::nullopt;
  return Function{.address = symbol->address, .size = symbol->size};
}

std::map<std::uint64_t, std::string> UvCodeImage::function_names(
    std::span<const std::uint64_t> addresses) const {
  std::map<std::uint64_t, std::string> names;
  const auto symbols = elf_.functions_at(addresses);
  for (std::size_t i = 0; i < std::min(symbols.size(), addresses.size()); ++i) {
    if (symbols[i] && symbols[i]->address == addresses[i]) names[addresses[i]] = symbols[i]->name;
  }
  return names;
}

std::size_t UvCodeImage::read_at(std::uint64_t address, std::span<std::byte> out) const {
  // A read may run over the segment's end; what lies before it still counts.
  std::size_t size = out.size();
  for (const ElfSegment& segment : elf_.segments()) {
    const std::uint64_t offset = address - segment.address;
    if (address >= segment.address && offset < segment.file_size) {
      size = static_cast<std::size_t>(std::min<std::uint64_t>(size, segment.file_size - offset));
    }
  }
  const auto bytes = elf_.read_at_vaddr(address, size);
  if (!bytes) return 0;
  std::memcpy(out.data(), bytes->data(), std::min(bytes->size(), size));
  return std::min(bytes->size(), size);
}

std::optional<std::string> UvCodeImage::import_in_slot(std::uint64_t slot) const {
  return elf_.got_slot_name(slot);
}

Result<UvCallSites> analyze_uv_call_sites(const ElfImage& elf) {
  if (!elf.is_x86_64()) {
    return Error{elf.name() + ": phases are read on x86-64 only"};
  }
  auto sites = analyze_uv_call_sites(UvCodeImage(elf));
  if (!sites) return Error{elf.name() + ": " + sites.error().message};
  return sites;
}

}  // namespace loopscope
