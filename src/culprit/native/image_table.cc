#include "culprit/native/image_table.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "target/base_name.h"

namespace loopscope {
namespace {

constexpr std::string_view kVdso = "[vdso]";
constexpr std::size_t kMaxVdso = 65536;  // bytes; it has two pages
constexpr std::size_t kMaxBaseName = 128;

/// The vdso is an ELF image that has no file: a copy of its memory is given one.
Result<LoadedImage> load_vdso(const Mapping& mapping, const MemoryReader& memory) {
  std::vector<std::byte> bytes(std::min<std::uint64_t>(mapping.size(), kMaxVdso));
  if (auto got = memory.read(mapping.start, bytes); !got) return got.error();
  UniqueFd file(::memfd_create("vdso", MFD_CLOEXEC));
  if (!file.valid() ||
      ::write(file.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
    return Error{"cannot copy the vdso"};
  }
  auto elf = ElfImage::open(std::move(file), std::string(kVdso));
  if (!elf) return elf.error();
  if (elf->segments().empty()) return Error{"the vdso has no segments"};
  LoadedImage image;
  image.bias = mapping.start - elf->segments().front().address;
  image.path = kVdso;
  image.start = mapping.start;
  image.end = mapping.end;
  image.elf = std::make_shared<const ElfImage>(std::move(*elf));
  return image;
}

}  // namespace

std::string image_base_name(const std::string& path) {
  std::string name = base_name(path).substr(0, kMaxBaseName);
  std::replace_if(
      name.begin(), name.end(),
      [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, '?');
  return name;
}

std::shared_ptr<NativeImage> ImageTable::find(const MemoryMap& map, const Mapping& mapping,
                                              const MemoryReader& memory) {
  if (!mapping.is_file() && mapping.path != kVdso) return nullptr;
  const auto known = std::find_if(slots_.begin(), slots_.end(), [&](const Slot& slot) {
    return slot.start == mapping.start && slot.offset == mapping.offset &&
           slot.inode == mapping.inode && slot.dev_major == mapping.dev_major &&
           slot.dev_minor == mapping.dev_minor;
  });
  if (known != slots_.end()) {
    slots_.splice(slots_.begin(), slots_, known);
    return slots_.front().image;
  }
  if (slots_.size() >= kMaxImages) slots_.pop_back();
  slots_.push_front({mapping.start, mapping.offset, mapping.inode, mapping.dev_major,
                     mapping.dev_minor, open(map, mapping, memory)});
  return slots_.front().image;
}

std::shared_ptr<NativeImage> ImageTable::open(const MemoryMap& map, const Mapping& mapping,
                                              const MemoryReader& memory) const {
  auto image = mapping.is_file() ? load_image(pid_, map, mapping) : load_vdso(mapping, memory);
  if (!image || !image->elf->is_x86_64()) return nullptr;
  return std::make_shared<NativeImage>(std::move(*image), image_base_name(mapping.path));
}

}  // namespace loopscope
