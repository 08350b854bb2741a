#include "target/elf_file.h"

#include <gelf.h>
#include <libelf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "target/proc_file.h"

namespace loopscope {
namespace {

constexpr std::size_t kMaxSections = 4096;
constexpr std::size_t kMaxSegments = 512;
constexpr std::size_t kMaxNeeded = 1024;
constexpr std::uint64_t kMaxNames = 1 << 20;       // bytes of .shstrtab
constexpr std::uint64_t kMaxSmallTable = 1 << 16;  // bytes of notes, of .dynamic
constexpr std::size_t kMaxString = 4096;

struct ElfCloser {
  void operator()(Elf* elf) const { ::elf_end(elf); }
};
using ElfHandle = std::unique_ptr<Elf, ElfCloser>;

std::string libelf_message() { return ::elf_errmsg(-1); }

/// [offset, offset + size) lies in a file of `file_size` bytes.
bool fits(std::uint64_t offset, std::uint64_t size, std::uint64_t file_size) {
  return offset <= file_size && size <= file_size - offset;
}

}  // namespace

/// Fills an ElfFile from libelf's view of its headers. libelf is never asked for section
/// contents: it would load them whole.
struct ElfFile::Loader {
  ElfFile& file;
  Elf* elf;

  Error error(const std::string& what) const {
    return Error{"cannot use " + file.name_ + " as an ELF image: " + what};
  }

  Result<void> check_kind() {
    if (::elf_kind(elf) != ELF_K_ELF) return error("it is not an ELF file");
    GElf_Ehdr header{};
    if (::gelf_getehdr(elf, &header) == nullptr) return error(libelf_message());
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB) {
      return error("it is not 64-bit little-endian");
    }
    if (header.e_type != ET_EXEC && header.e_type != ET_DYN) {
      return error("it is neither an executable nor a shared object");
    }
    file.machine_ = header.e_machine;
    file.type_ = header.e_type;
    return {};
  }

  Result<void> load_segments() {
    std::size_t count = 0;
    if (::elf_getphdrnum(elf, &count) != 0) return error(libelf_message());
    if (count > kMaxSegments) return error("it has too many program headers");
    for (std::size_t i = 0; i < count; ++i) {
      GElf_Phdr header{};
      if (::gelf_getphdr(elf, static_cast<int>(i), &header) == nullptr) {
        return error(libelf_message());
      }
      if (!fits(header.p_offset, header.p_filesz, file.size_)) {
        return error("a program header points outside the file");
      }
      if (header.p_type == PT_LOAD) {
        file.segments_.push_back({header.p_offset, header.p_vaddr, header.p_filesz, header.p_memsz,
                                  (header.p_flags & PF_X) != 0});
      }
      if (header.p_type == PT_NOTE) load_build_id(header);
      if (header.p_type == PT_DYNAMIC) dynamic = header;
    }
    if (dynamic.p_filesz > 0) load_needed();
    return {};
  }

  void load_build_id(const GElf_Phdr& header) {
    if (header.p_filesz == 0 || header.p_filesz > kMaxSmallTable) return;
    Elf_Data* data =
        ::elf_getdata_rawchunk(elf, static_cast<std::int64_t>(header.p_offset), header.p_filesz,
                               header.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
    if (data == nullptr) return;
    std::size_t at = 0;
    std::size_t name_at = 0;
    std::size_t value_at = 0;
    GElf_Nhdr note{};
    while ((at = ::gelf_getnote(data, at, &note, &name_at, &value_at)) > 0) {
      const auto* bytes = static_cast<const unsigned char*>(data->d_buf);
      if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != 4 || note.n_descsz > 64 ||
          std::memcmp(bytes + name_at, "GNU", 4) != 0) {
        continue;
      }
      constexpr char kDigits[] = "0123456789abcdef";
      file.build_id_.clear();
      for (std::size_t i = 0; i < note.n_descsz; ++i) {
        file.build_id_ += kDigits[bytes[value_at + i] >> 4];
        file.build_id_ += kDigits[bytes[value_at + i] & 15];
      }
      file.build_id_place_ = {header.p_vaddr + value_at, note.n_descsz};
      return;
    }
  }

  void load_needed() {
    const std::size_t size = std::min(dynamic.p_filesz, kMaxSmallTable);
    std::vector<Elf64_Dyn> entries(size / sizeof(Elf64_Dyn));
    const std::size_t got =
        file.read_some(dynamic.p_offset, std::as_writable_bytes(std::span(entries)));
    entries.resize(got / sizeof(Elf64_Dyn));
    ElfSection strings;
    std::vector<std::uint64_t> names;
    for (const Elf64_Dyn& entry : entries) {
      if (entry.d_tag == DT_NULL) break;
      if (entry.d_tag == DT_NEEDED && names.size() < kMaxNeeded) names.push_back(entry.d_un.d_val);
      if (entry.d_tag == DT_STRSZ) strings.size = entry.d_un.d_val;
      if (entry.d_tag == DT_STRTAB) strings.address = entry.d_un.d_ptr;
    }
    const auto offset = file.vaddr_to_offset(strings.address);
    if (!offset || !fits(*offset, strings.size, file.size_)) return;
    strings.offset = *offset;
    for (const std::uint64_t name : names) {
      if (auto text = file.string_at(strings, name)) file.needed_.push_back(std::move(*text));
    }
  }

  Result<void> load_sections() {
    std::size_t count = 0;
    std::size_t names_index = 0;
    if (::elf_getshdrnum(elf, &count) != 0) return error(libelf_message());
    if (count == 0) return {};
    if (count > kMaxSections) return error("it has too many sections");
    std::vector<GElf_Shdr> headers(count);
    for (std::size_t i = 0; i < count; ++i) {
      Elf_Scn* section = ::elf_getscn(elf, i);
      if (section == nullptr || ::gelf_getshdr(section, &headers[i]) == nullptr) {
        return error(libelf_message());
      }
    }
    std::vector<char> names;
    if (::elf_getshdrstrndx(elf, &names_index) == 0 && names_index < count) {
      const GElf_Shdr& strings = headers[names_index];
      if (fits(strings.sh_offset, strings.sh_size, file.size_)) {
        names.resize(std::min(strings.sh_size, kMaxNames));
        names.resize(file.read_some(strings.sh_offset, std::as_writable_bytes(std::span(names))));
      }
    }
    for (const GElf_Shdr& header : headers) add_section(header, names);
    return {};
  }

  void add_section(const GElf_Shdr& header, const std::vector<char>& names) {
    ElfSection section;
    section.type = header.sh_type;
    section.link = header.sh_link;
    section.address = header.sh_addr;
    section.offset = header.sh_offset;
    // A section that claims more than the file has is kept, to leave the indices right,
    // but it has no contents.
    if (header.sh_type != SHT_NOBITS && fits(header.sh_offset, header.sh_size, file.size_)) {
      section.size = header.sh_size;
    }
    if (header.sh_name < names.size()) {
      const char* const begin = names.data() + header.sh_name;
      section.name.assign(
          begin, ::strnlen(begin, std::min<std::size_t>(names.size() - header.sh_name, 256)));
    }
    file.sections_.push_back(std::move(section));
  }

  GElf_Phdr dynamic{};
};

Result<ElfFile> ElfFile::open(UniqueFd descriptor, std::string name) {
  ElfFile file;
  file.file_ = std::move(descriptor);
  file.name_ = std::move(name);
  Loader loader{file, nullptr};

  struct stat status {};
  if (::fstat(file.file_.get(), &status) != 0) return loader.error(errno_text(errno));
  if (!S_ISREG(status.st_mode)) return loader.error("it is no regular file");
  file.stamp_ = FileStamp::of(status);
  file.size_ = file.stamp_.size;
  if (file.size_ > ElfImage::kMaxFileSize) return loader.error("it is larger than 1 GiB");

  // libelf allocates by the number of sections at once, so that number is looked at first.
  // 0 with a table means "more than 65,279, ask the first section": no real program.
  Elf64_Ehdr header{};
  if (file.read_some(0, std::as_writable_bytes(std::span(&header, 1))) < sizeof header) {
    return loader.error("it is too short");
  }
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    return loader.error("it is not an ELF file");
  }
  if (header.e_shnum > kMaxSections || (header.e_shnum == 0 && header.e_shoff != 0) ||
      header.e_phnum == PN_XNUM) {
    return loader.error("it has too many sections");
  }

  ::elf_version(EV_CURRENT);
  const ElfHandle elf(::elf_begin(file.file_.get(), ELF_C_READ, nullptr));
  if (!elf) return loader.error(libelf_message());
  loader.elf = elf.get();
  for (const auto step : {&Loader::check_kind, &Loader::load_segments, &Loader::load_sections}) {
    const Result<void> done = (loader.*step)();
    if (!done) return done.error();
  }
  return file;
}

const ElfSection* ElfFile::section(std::string_view section_name) const {
  const auto found =
      std::find_if(sections_.begin(), sections_.end(),
                   [&](const ElfSection& section) { return section.name == section_name; });
  return found != sections_.end() ? &*found : nullptr;
}

const ElfSection* ElfFile::section_of_type(std::uint32_t section_type) const {
  const auto found =
      std::find_if(sections_.begin(), sections_.end(),
                   [&](const ElfSection& section) { return section.type == section_type; });
  return found != sections_.end() ? &*found : nullptr;
}

std::size_t ElfFile::read_some(std::uint64_t offset, std::span<std::byte> destination) const {
  std::size_t done = 0;
  while (done < destination.size()) {
    if (offset + done < offset || offset + done > ElfImage::kMaxFileSize) break;
    const ssize_t got = ::pread(file_.get(), destination.data() + done, destination.size() - done,
                                static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

std::optional<std::string> ElfFile::string_at(const ElfSection& strings,
                                              std::uint64_t offset) const {
  if (offset >= strings.size) return std::nullopt;
  std::string text;
  std::array<char, 256> chunk{};
  while (text.size() < kMaxString && offset < strings.size) {
    const std::size_t wanted = std::min<std::uint64_t>(chunk.size(), strings.size - offset);
    const std::size_t got =
        read_some(strings.offset + offset, std::as_writable_bytes(std::span(chunk.data(), wanted)));
    if (got == 0) return std::nullopt;
    const std::size_t length = ::strnlen(chunk.data(), got);
    text.append(chunk.data(), length);
    if (length < got) return text;
    offset += got;
  }
  return text;
}

std::optional<std::uint64_t> ElfFile::vaddr_to_offset(std::uint64_t vaddr) const {
  for (const ElfSegment& segment : segments_) {
    if (vaddr >= segment.address && vaddr - segment.address < segment.file_size) {
      return segment.offset + (vaddr - segment.address);
    }
  }
  return std::nullopt;
}

}  // namespace loopscope
