#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "target/elf_image.h"
#include "target/file_stamp.h"

namespace loopscope {

struct ElfSection {
  std::string name;
  std::uint32_t type = 0;
  std::uint32_t link = 0;  ///< index of the related section (a symbol table's strings)
  std::uint64_t address = 0;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;  ///< in the file; 0 for .bss
};

/// Headers of an ELF file, checked against the file's size, and bounded reads of it.
/// What ElfImage and its symbol tables stand on.
class ElfFile {
 public:
  static Result<ElfFile> open(UniqueFd file, std::string name);

  const std::string& name() const { return name_; }
  std::uint16_t machine() const { return machine_; }
  std::uint16_t type() const { return type_; }
  const std::vector<ElfSection>& sections() const { return sections_; }
  const std::vector<ElfSegment>& segments() const { return segments_; }
  const std::vector<std::string>& needed() const { return needed_; }
  const std::string& build_id() const { return build_id_; }
  const std::optional<ElfImage::Extent>& build_id_place() const { return build_id_place_; }
  const FileStamp& stamp() const { return stamp_; }

  /// nullptr: there is none.
  const ElfSection* section(std::string_view section_name) const;
  const ElfSection* section_of_type(std::uint32_t section_type) const;

  /// As many bytes as the file has there, at most destination.size().
  std::size_t read_some(std::uint64_t offset, std::span<std::byte> destination) const;
  /// The zero-terminated string at `offset` of a string table; cut off after 4096 bytes.
  std::optional<std::string> string_at(const ElfSection& strings, std::uint64_t offset) const;

  std::optional<std::uint64_t> vaddr_to_offset(std::uint64_t vaddr) const;

 private:
  struct Loader;
  ElfFile() = default;

  UniqueFd file_;
  std::string name_;
  std::uint64_t size_ = 0;
  std::uint16_t machine_ = 0;
  std::uint16_t type_ = 0;
  std::vector<ElfSection> sections_;
  std::vector<ElfSegment> segments_;
  std::vector<std::string> needed_;
  std::string build_id_;
  std::optional<ElfImage::Extent> build_id_place_;
  FileStamp stamp_;
};

}  // namespace loopscope
