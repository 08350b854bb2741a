#include "target/elf_image.h"

#include <elf.h>

#include <algorithm>
#include <utility>

#include "target/elf_file.h"
#include "target/elf_symbols.h"

namespace loopscope {
namespace {

constexpr std::size_t kMaxRead = std::size_t{16} << 20;
constexpr std::size_t kSearchChunk = 65536;

template <typename T>
void fill_gaps(std::vector<std::optional<T>>& answers, std::vector<std::optional<T>> more) {
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i]) answers[i] = std::move(more[i]);
  }
}

template <typename T>
bool is_complete(const std::vector<std::optional<T>>& answers) {
  return std::all_of(answers.begin(), answers.end(), [](const auto& a) { return a.has_value(); });
}

}  // namespace

struct ElfImage::State {
  explicit State(ElfFile elf_file) : file(std::move(elf_file)) {}

  const ElfSection* dynsym() const { return file.section_of_type(SHT_DYNSYM); }
  const ElfSection* symtab() const { return file.section_of_type(SHT_SYMTAB); }

  ElfFile file;
};

ElfImage::ElfImage(std::unique_ptr<State> state) : state_(std::move(state)) {}
ElfImage::ElfImage(ElfImage&&) noexcept = default;
ElfImage& ElfImage::operator=(ElfImage&&) noexcept = default;
ElfImage::~ElfImage() = default;

Result<ElfImage> ElfImage::open(UniqueFd file, std::string name) {
  auto opened = ElfFile::open(std::move(file), std::move(name));
  if (!opened) return opened.error();
  return ElfImage(std::make_unique<State>(std::move(*opened)));
}

const std::string& ElfImage::name() const { return state_->file.name(); }
bool ElfImage::is_x86_64() const { return state_->file.machine() == EM_X86_64; }
bool ElfImage::is_aarch64() const { return state_->file.machine() == EM_AARCH64; }
bool ElfImage::is_fixed_address() const { return state_->file.type() == ET_EXEC; }
bool ElfImage::has_symtab() const { return state_->symtab() != nullptr; }
const std::vector<ElfSegment>& ElfImage::segments() const { return state_->file.segments(); }
const std::vector<std::string>& ElfImage::needed() const { return state_->file.needed(); }
const std::string& ElfImage::build_id() const { return state_->file.build_id(); }
const FileStamp& ElfImage::stamp() const { return state_->file.stamp(); }
std::optional<ElfImage::Extent> ElfImage::build_id_place() const {
  return state_->file.build_id_place();
}

std::optional<ElfSymbol> ElfImage::find_symbol(std::string_view symbol) const {
  return find_symbols({&symbol, 1}).front();
}

std::vector<std::optional<ElfSymbol>> ElfImage::find_symbols(
    std::span<const std::string_view> symbols) const {
  std::vector<std::optional<ElfSymbol>> answers(symbols.size());
  for (const ElfSection* table : {state_->dynsym(), state_->symtab()}) {
    if (table == nullptr || is_complete(answers)) continue;
    fill_gaps(answers, symbols_by_name(state_->file, *table, symbols));
  }
  return answers;
}

std::optional<ElfSymbol> ElfImage::find_exported(std::string_view symbol) const {
  const ElfSection* table = state_->dynsym();
  if (table == nullptr) return std::nullopt;
  return symbols_by_name(state_->file, *table, {&symbol, 1}).front();
}

std::optional<ElfSymbol> ElfImage::function_at(std::uint64_t vaddr) const {
  return functions_at({&vaddr, 1}).front();
}

std::vector<std::optional<ElfSymbol>> ElfImage::functions_at(
    std::span<const std::uint64_t> vaddrs) const {
  std::vector<std::optional<ElfSymbol>> answers(vaddrs.size());
  // .symtab holds what .dynsym holds and the local functions between.
  for (const ElfSection* table : {state_->symtab(), state_->dynsym()}) {
    if (table == nullptr || is_complete(answers)) continue;
    fill_gaps(answers, symbols_by_address(state_->file, *table, vaddrs));
  }
  return answers;
}

std::vector<ElfSymbol> ElfImage::functions_in(std::uint64_t begin, std::uint64_t end,
                                              std::size_t limit) const {
  const ElfSection* table = has_symtab() ? state_->symtab() : state_->dynsym();
  if (table == nullptr) return {};
  return symbols_in_range(state_->file, *table, begin, end, limit);
}

Result<std::vector<std::byte>> ElfImage::read_at_vaddr(std::uint64_t vaddr,
                                                       std::size_t size) const {
  const Error error{"cannot read " + std::to_string(size) + " bytes at " + std::to_string(vaddr) +
                    " of " + name()};
  if (size > kMaxRead) return error;
  std::vector<std::byte> bytes(size);
  if (read_some_at_vaddr(vaddr, bytes) < size) return error;
  return bytes;
}

std::size_t ElfImage::read_some_at_vaddr(std::uint64_t vaddr,
                                         std::span<std::byte> destination) const {
  for (const ElfSegment& segment : segments()) {
    if (vaddr < segment.address || vaddr - segment.address >= segment.file_size) continue;
    const std::uint64_t within = vaddr - segment.address;
    const std::size_t size =
        std::min<std::uint64_t>(destination.size(), segment.file_size - within);
    return state_->file.read_some(segment.offset + within, destination.first(size));
  }
  return 0;
}

std::optional<std::uint64_t> ElfImage::vaddr_to_offset(std::uint64_t vaddr) const {
  return state_->file.vaddr_to_offset(vaddr);
}

std::optional<std::uint64_t> ElfImage::offset_to_vaddr(std::uint64_t offset) const {
  for (const ElfSegment& segment : segments()) {
    if (offset >= segment.offset && offset - segment.offset < segment.file_size) {
      return segment.address + (offset - segment.offset);
    }
  }
  return std::nullopt;
}

std::optional<ElfSegment> ElfImage::executable_segment(std::uint64_t vaddr) const {
  for (const ElfSegment& segment : segments()) {
    if (segment.executable && vaddr >= segment.address &&
        vaddr - segment.address < segment.file_size) {
      return segment;
    }
  }
  return std::nullopt;
}

std::optional<ElfImage::Extent> ElfImage::section(std::string_view section_name) const {
  const ElfSection* found = state_->file.section(section_name);
  if (found == nullptr) return std::nullopt;
  return Extent{found->address, found->size};
}

std::optional<std::string> ElfImage::got_slot_name(std::uint64_t vaddr) const {
  return got_slot_names({&vaddr, 1}).front();
}

std::vector<std::optional<std::string>> ElfImage::got_slot_names(
    std::span<const std::uint64_t> vaddrs) const {
  return relocation_targets(state_->file, vaddrs);
}

std::optional<std::uint64_t> ElfImage::find_bytes(std::string_view section_name,
                                                  std::string_view needle,
                                                  std::uint64_t from_vaddr) const {
  const ElfSection* found = state_->file.section(section_name);
  if (found == nullptr || needle.empty() || needle.size() > kSearchChunk / 2) return std::nullopt;
  std::uint64_t at = from_vaddr > found->address ? from_vaddr - found->address : 0;
  std::vector<char> chunk(kSearchChunk);
  while (at < found->size && found->size - at >= needle.size()) {
    const std::size_t wanted = std::min<std::uint64_t>(chunk.size(), found->size - at);
    const std::size_t got = state_->file.read_some(
        found->offset + at, std::as_writable_bytes(std::span(chunk)).first(wanted));
    const std::size_t place = std::string_view(chunk.data(), got).find(needle);
    if (place != std::string_view::npos) return found->address + at + place;
    if (got < needle.size() || got < wanted) break;
    at += got - (needle.size() - 1);
  }
  return std::nullopt;
}

}  // namespace loopscope
