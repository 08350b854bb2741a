#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "target/file_stamp.h"

namespace loopscope {

struct ElfSymbol {
  std::string name;
  std::uint64_t address = 0;  ///< link-time virtual address; 0 with is_defined false: imported
  std::uint64_t size = 0;     ///< 0: not stated
  bool is_function = false;
  bool is_defined = false;
};

/// One PT_LOAD program header.
struct ElfSegment {
  std::uint64_t offset = 0;
  std::uint64_t address = 0;
  std::uint64_t file_size = 0;
  std::uint64_t memory_size = 0;
  bool executable = false;
};

/// An ELF file, read piece by piece with pread (never mapped: a file that is truncated
/// under a mapping kills its reader). Headers come from libelf; symbol and string tables,
/// tens of megabytes in a Node binary, are streamed through a small buffer at each
/// question and not kept, so a question costs milliseconds and no lasting memory.
/// Everything in the file is taken as hostile: a lying file gives errors or wrong names,
/// never a crash or an unbounded allocation. Addresses are link-time ("vaddr").
class ElfImage {
 public:
  static constexpr std::uint64_t kMaxFileSize = std::uint64_t{1} << 30;

  /// `name` is for messages. Error: no regular file, too large, not a little-endian
  /// 64-bit ELF executable or shared object.
  static Result<ElfImage> open(UniqueFd file, std::string name);
  ElfImage(ElfImage&&) noexcept;
  ElfImage& operator=(ElfImage&&) noexcept;
  ~ElfImage();

  const std::string& name() const;
  bool is_x86_64() const;
  bool is_aarch64() const;
  /// ET_EXEC: loaded at its link-time addresses.
  bool is_fixed_address() const;
  /// Has a .symtab (is not stripped).
  bool has_symtab() const;
  const std::vector<ElfSegment>& segments() const;
  /// DT_NEEDED names.
  const std::vector<std::string>& needed() const;
  /// Lower-case hex of the GNU build id; empty: none.
  const std::string& build_id() const;
  /// What the file was like when it was opened.
  const FileStamp& stamp() const;

  /// A defined symbol of this exact name: .dynsym first, then .symtab.
  std::optional<ElfSymbol> find_symbol(std::string_view symbol) const;
  /// The same for many names in one pass; the answers are in the order of the questions.
  std::vector<std::optional<ElfSymbol>> find_symbols(
      std::span<const std::string_view> symbols) const;
  /// Exported, that is defined in .dynsym.
  std::optional<ElfSymbol> find_exported(std::string_view symbol) const;
  /// The function that covers `vaddr`; a symbol without a size covers only its first byte.
  std::optional<ElfSymbol> function_at(std::uint64_t vaddr) const;
  /// The same for many addresses in one pass.
  std::vector<std::optional<ElfSymbol>> functions_at(std::span<const std::uint64_t> vaddrs) const;
  /// Functions that begin in [begin, end), ascending by address, at most `limit`.
  std::vector<ElfSymbol> functions_in(std::uint64_t begin, std::uint64_t end,
                                      std::size_t limit = 4096) const;

  /// Bytes of a loaded segment as they are in the file. Error: no segment has all of them,
  /// or more than 16 MiB are asked for.
  Result<std::vector<std::byte>> read_at_vaddr(std::uint64_t vaddr, std::size_t size) const;
  /// As many of them as there are, up to the segment's end.
  std::size_t read_some_at_vaddr(std::uint64_t vaddr, std::span<std::byte> destination) const;
  std::optional<std::uint64_t> vaddr_to_offset(std::uint64_t vaddr) const;
  std::optional<std::uint64_t> offset_to_vaddr(std::uint64_t offset) const;
  /// The executable segment that holds `vaddr`.
  std::optional<ElfSegment> executable_segment(std::uint64_t vaddr) const;
  /// A range of link-time addresses.
  struct Extent {
    std::uint64_t address = 0;
    std::uint64_t size = 0;
  };
  /// A section by name (".text", ".plt").
  std::optional<Extent> section(std::string_view section_name) const;
  /// Where the bytes of the build id are loaded.
  std::optional<Extent> build_id_place() const;

  /// Name of the dynamic symbol whose address the loader stores into the word at `vaddr`
  /// (JUMP_SLOT, GLOB_DAT and 64-bit relocations).
  std::optional<std::string> got_slot_name(std::uint64_t vaddr) const;
  std::vector<std::optional<std::string>> got_slot_names(
      std::span<const std::uint64_t> vaddrs) const;

  /// vaddr of the first place of `needle` in the file bytes of section `section_name`
  /// (".rodata"), from `from_vaddr` on.
  std::optional<std::uint64_t> find_bytes(std::string_view section_name, std::string_view needle,
                                          std::uint64_t from_vaddr = 0) const;

 private:
  struct State;
  explicit ElfImage(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace loopscope
