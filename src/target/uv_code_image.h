#pragma once

#include <memory>

#include "target/elf_image.h"
#include "target/uv_call_sites.h"

namespace loopscope {

/// An ELF file as the call-site analysis sees it.
class UvCodeImage final : public CodeImage {
 public:
  explicit UvCodeImage(const ElfImage& elf) : elf_(elf) {}

  std::optional<Function> find_function(std::string_view name) const override;
  std::map<std::uint64_t, std::string> function_names(
      std::span<const std::uint64_t> addresses) const override;
  std::size_t read_at(std::uint64_t address, std::span<std::byte> out) const override;
  std::optional<std::string> import_in_slot(std::uint64_t slot) const override;

 private:
  const ElfImage& elf_;
};

/// analyze_uv_call_sites() for an ELF file; refuses other machines than x86-64 by name.
Result<UvCallSites> analyze_uv_call_sites(const ElfImage& elf);

}  // namespace loopscope
