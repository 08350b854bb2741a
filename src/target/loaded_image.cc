#include "target/loaded_image.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <string_view>
#include <utility>

#include "target/proc_file.h"
#include "target/process_info.h"

namespace loopscope {
namespace {

constexpr std::uint64_t kPageMask = 4095;

std::string proc_path(int pid, const std::string& name) {
  return "/proc/" + std::to_string(pid) + "/" + name;
}

bool is_same_file(const Mapping& a, const Mapping& b) {
  return a.inode == b.inode && a.dev_major == b.dev_major && a.dev_minor == b.dev_minor;
}

/// Opens for reading what an O_PATH descriptor stands for, if it is a regular file.
UniqueFd open_regular(const UniqueFd& place, std::uint64_t inode) {
  struct stat status {};
  if (::fstat(place.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  if (status.st_ino != inode) {
    struct statfs filesystem {};
    if (::fstatfs(place.get(), &filesystem) != 0 || filesystem.f_type != OVERLAYFS_SUPER_MAGIC) {
      return {};
    }
  }
  const std::string self = "/proc/self/fd/" + std::to_string(place.get());
  return UniqueFd(::open(self.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
}

/// Walks an absolute path from `root`, refusing symbolic links and "..".
UniqueFd walk(UniqueFd root, std::string_view path) {
  UniqueFd place = std::move(root);
  while (place.valid() && !path.empty()) {
    const std::size_t begin = path.find_first_not_of('/');
    if (begin == std::string_view::npos) break;
    path.remove_prefix(begin);
    const std::string component(path.substr(0, path.find('/')));
    path.remove_prefix(component.size());
    if (component == "." || component == "..") return {};
    place.reset(::openat(place.get(), component.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  }
  return place;
}

UniqueFd open_below(const std::string& root, const Mapping& mapping) {
  if (!mapping.path.starts_with('/')) return {};
  UniqueFd top(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const UniqueFd place = walk(std::move(top), mapping.path);
  return place.valid() ? open_regular(place, mapping.inode) : UniqueFd();
}

UniqueFd open_map_file(int pid, const Mapping& mapping) {
  std::array<char, 64> range{};
  std::snprintf(range.data(), range.size(), "map_files/%llx-%llx",
                static_cast<unsigned long long>(mapping.start),
                static_cast<unsigned long long>(mapping.end));
  // Devices can be mapped too: look before opening for good.
  const UniqueFd place(::open(proc_path(pid, range.data()).c_str(), O_PATH | O_CLOEXEC));
  struct stat status {};
  if (!place.valid() || ::fstat(place.get(), &status) != 0) return {};
  return open_regular(place, status.st_ino);
}

UniqueFd open_executable(int pid, const Mapping& mapping) {
  const UniqueFd place(::open(proc_path(pid, "exe").c_str(), O_PATH | O_CLOEXEC));
  return place.valid() ? open_regular(place, mapping.inode) : UniqueFd();
}

/// What the loader added to the link-time addresses, judged by one mapping of the file.
std::optional<std::uint64_t> bias_of(const ElfImage& elf, const Mapping& mapping) {
  const ElfSegment* best = nullptr;
  for (const ElfSegment& segment : elf.segments()) {
    const std::uint64_t first_page = segment.offset & ~kPageMask;
    if (mapping.offset < first_page || mapping.offset >= segment.offset + segment.file_size) {
      continue;
    }
    // Neighbouring segments share a page of the file; the one with the mapping's rights
    // is the one meant.
    if (best == nullptr || segment.executable == mapping.executable) best = &segment;
  }
  if (best == nullptr) return std::nullopt;
  return mapping.start - (best->address + (mapping.offset - best->offset));
}

}  // namespace

Result<UniqueFd> open_mapped_file(int pid, const Mapping& mapping) {
  if (!mapping.is_file()) return Error{"the mapping has no file"};
  if (UniqueFd file = open_map_file(pid, mapping); file.valid()) return file;
  int cause = errno;
  if (executable_path(pid).ok()) {
    if (UniqueFd file = open_executable(pid, mapping); file.valid()) return file;
  }
  // A deleted file's path leads nowhere, or to its successor.
  if (!mapping.deleted) {
    for (const std::string& root : {proc_path(pid, "root"), std::string("/")}) {
      errno = 0;
      if (UniqueFd file = open_below(root, mapping); file.valid()) return file;
      if (errno != 0) cause = errno;
    }
  }
  return Error{"cannot open " + mapping.path + " of pid " + std::to_string(pid) + ": " +
               (mapping.deleted ? "it has been deleted or replaced since" : errno_text(cause))};
}

Result<LoadedImage> load_image(int pid, const MemoryMap& map, const Mapping& mapping) {
  auto file = open_mapped_file(pid, mapping);
  if (!file) return file.error();
  auto elf = ElfImage::open(std::move(*file), mapping.path);
  if (!elf) return elf.error();
  LoadedImage image;
  const auto bias = bias_of(*elf, mapping);
  if (!bias) {
    return Error{"the mapping of " + mapping.path + " in pid " + std::to_string(pid) +
                 " fits none of its segments"};
  }
  image.bias = *bias;
  image.path = mapping.path;
  image.start = mapping.start;
  image.end = mapping.end;
  for (const Mapping& other : map.mappings()) {
    if (!is_same_file(other, mapping) || bias_of(*elf, other) != bias) continue;
    image.start = std::min(image.start, other.start);
    image.end = std::max(image.end, other.end);
  }
  image.elf = std::make_shared<const ElfImage>(std::move(*elf));
  return image;
}

Result<LoadedImage> load_main_image(int pid, const MemoryMap& map) {
  const auto path = executable_path(pid);
  if (!path) return path.error();
  const Mapping* mapping = map.find_path(*path);
  if (mapping == nullptr) {
    struct stat status {};
    if (::stat(proc_path(pid, "exe").c_str(), &status) == 0) {
      const auto found = std::find_if(map.mappings().begin(), map.mappings().end(),
                                      [&](const Mapping& m) { return m.inode == status.st_ino; });
      if (found != map.mappings().end()) mapping = &*found;
    }
  }
  if (mapping == nullptr || !mapping->is_file()) {
    return Error{*path + " is not mapped in pid " + std::to_string(pid)};
  }
  return load_image(pid, map, *mapping);
}

std::vector<const Mapping*> executable_files(const MemoryMap& map) {
  std::vector<const Mapping*> files;
  for (const Mapping& mapping : map.mappings()) {
    if (!mapping.executable || !mapping.is_file()) continue;
    const bool seen = std::any_of(files.begin(), files.end(), [&](const Mapping* file) {
      return is_same_file(*file, mapping);
    });
    if (!seen) files.push_back(&mapping);
  }
  return files;
}

}  // namespace loopscope
