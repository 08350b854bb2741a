#include "target/loaded_image.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "target/image_likeness.h"
#include "target/mapped_file.h"
#include "target/proc_file.h"
#include "target/process_info.h"
#include "target/remote_memory.h"

namespace loopscope {
namespace {

/// Tries the ways one after the other and remembers what stood in the way.
class ImageSearch {
 public:
  ImageSearch(int pid, const MemoryMap& map, const Mapping& mapping)
      : pid_(pid), map_(map), mapping_(mapping), memory_(pid) {}

  Result<ElfImage> run() {
    for (const MappedFileWay way : kMappedFileWays) {
      auto candidate = find_mapped_file(way, pid_, mapping_);
      if (!candidate) {
        // A way that is closed to us says less than the path's own answer.
        if (way != MappedFileWay::kMapFiles && way != MappedFileWay::kExecutable) {
          note_refusal(errno);
        }
        continue;
      }
      const bool is_likely = candidate->is_likely;
      auto elf = ElfImage::open(std::move(candidate->file), mapping_.path);
      if (elf && is_right(*elf, is_likely)) return elf;
      if (!elf && is_likely) return elf.error();
      found_another_ |= elf.ok();
    }
    return failure();
  }

 private:
  bool is_right(const ElfImage& elf, bool is_likely) {
    switch (compare_with_memory(elf, map_, mapping_, memory_)) {
      case Likeness::kSame:
        return true;
      case Likeness::kOther:
        return false;
      case Likeness::kUnknown:
        return is_likely;
    }
    return false;
  }

  void note_refusal(int cause) {
    if (cause != 0 && (cause_ == 0 || cause_ == ENOENT)) cause_ = cause;
  }

  Error failure() const {
    const std::string what = "cannot open " + mapping_.path + " of pid " + std::to_string(pid_);
    constexpr const char* kWayOut =
        "; start the program anew, or run with CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN";
    if (mapping_.deleted) {
      return Error{what + ": it has been deleted or replaced since it was loaded" + kWayOut};
    }
    if (found_another_) {
      return Error{what + ": what is there now is another file than the one loaded" + kWayOut};
    }
    if (cause_ == EACCES || cause_ == EPERM) {
      return ptrace_access_error(pid_, mapping_.path.c_str(), cause_);
    }
    return Error{what + ": " + errno_text(cause_ != 0 ? cause_ : ENOENT)};
  }

  const int pid_;
  const MemoryMap& map_;
  const Mapping& mapping_;
  const RemoteMemory memory_;
  int cause_ = 0;
  bool found_another_ = false;
};

}  // namespace

Result<ElfImage> open_image(int pid, const MemoryMap& map, const Mapping& mapping) {
  if (!mapping.is_file()) return Error{"the mapping has no file"};
  return ImageSearch(pid, map, mapping).run();
}

Result<LoadedImage> load_image(int pid, const MemoryMap& map, const Mapping& mapping) {
  auto elf = open_image(pid, map, mapping);
  if (!elf) return elf.error();
  LoadedImage image;
  const auto bias = load_bias(*elf, mapping);
  if (!bias) {
    return Error{"the mapping of " + mapping.path + " in pid " + std::to_string(pid) +
                 " fits none of its segments"};
  }
  image.bias = *bias;
  image.path = mapping.path;
  image.start = mapping.start;
  image.end = mapping.end;
  for (const Mapping& other : map.mappings()) {
    if (!other.is_of_same_file(mapping) || load_bias(*elf, other) != bias) continue;
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
      return file->is_of_same_file(mapping);
    });
    if (!seen) files.push_back(&mapping);
  }
  return files;
}

}  // namespace loopscope
