#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "target/elf_image.h"
#include "target/memory_map.h"

namespace loopscope {

/// An ELF file where a process has loaded it: runtime address = vaddr + bias.
struct LoadedImage {
  std::shared_ptr<const ElfImage> elf;
  std::uint64_t bias = 0;   ///< modulo 2^64
  std::string path;         ///< as the target's mount namespace names it
  std::uint64_t start = 0;  ///< lowest and one past the highest mapped address
  std::uint64_t end = 0;

  std::uint64_t to_runtime(std::uint64_t vaddr) const { return vaddr + bias; }
  std::uint64_t to_vaddr(std::uint64_t address) const { return address - bias; }
  bool contains(std::uint64_t address) const { return address >= start && address < end; }
};

/// Opens the ELF file behind a mapping of `pid`, whatever mount namespace or chroot the process
/// is in (MappedFileWay). What is found is compared with what the process has in memory, so that
/// a file that stands in its place by now is not taken for it; where memory cannot be read,
/// device and inode have to do. Error: none is found, none is the right one, or it is no ELF
/// file; the message says which.
Result<ElfImage> open_image(int pid, const MemoryMap& map, const Mapping& mapping);

/// Opens the image `mapping` belongs to and computes where it is loaded.
Result<LoadedImage> load_image(int pid, const MemoryMap& map, const Mapping& mapping);

/// The main program's image.
Result<LoadedImage> load_main_image(int pid, const MemoryMap& map);

/// The first executable mapping of each mapped file, ascending by address (so the main
/// program is usually the first). Nothing is opened.
std::vector<const Mapping*> executable_files(const MemoryMap& map);

}  // namespace loopscope
