#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>

#include "culprit/native/native_image.h"
#include "target/memory_map.h"
#include "target/memory_reader.h"

namespace loopscope {

/// The images of one process, opened when first asked for. After exec or dlopen the mappings
/// are others and so are the images; the least recently used go once there are kMaxImages.
/// One that cannot be opened is not tried again until it was forgotten so.
class ImageTable {
 public:
  static constexpr std::size_t kMaxImages = 48;

  explicit ImageTable(int pid) : pid_(pid) {}

  /// The image `mapping` (of `map`) belongs to, the kernel's vdso included; nullptr: none, or
  /// it cannot be opened. `memory` is the process's.
  std::shared_ptr<NativeImage> find(const MemoryMap& map, const Mapping& mapping,
                                    const MemoryReader& memory);

 private:
  struct Slot {
    std::uint64_t start = 0;  ///< of the mapping
    std::uint64_t offset = 0;
    std::uint64_t inode = 0;
    std::uint32_t dev_major = 0;
    std::uint32_t dev_minor = 0;
    std::shared_ptr<NativeImage> image;
  };

  std::shared_ptr<NativeImage> open(const MemoryMap& map, const Mapping& mapping,
                                    const MemoryReader& memory) const;

  int pid_;
  std::list<Slot> slots_;  ///< most recently used first
};

/// "libc.so.6" of "/usr/lib/libc.so.6", control characters replaced, at most 128 bytes.
std::string image_base_name(const std::string& path);

}  // namespace loopscope
