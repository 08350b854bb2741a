#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
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

/// Opens the file behind a mapping of `pid`, whatever mount namespace the process is in:
/// by /proc/PID/map_files (works for deleted files, needs CAP_CHECKPOINT_RESTORE or
/// CAP_SYS_ADMIN), else by /proc/PID/exe for the main program, else by the path below
/// /proc/PID/root and then below the own root (for a chroot). Paths are walked without
/// following any symbolic link: those in a maps file have none, so one that stands there
/// was put there since. A file found by path must have the mapping's inode, except on
/// overlayfs, where maps files show another (that of the layer below).
/// Regular files only; never blocks and never opens a device.
Result<UniqueFd> open_mapped_file(int pid, const Mapping& mapping);

/// Opens the image `mapping` belongs to and computes where it is loaded.
Result<LoadedImage> load_image(int pid, const MemoryMap& map, const Mapping& mapping);

/// The main program's image.
Result<LoadedImage> load_main_image(int pid, const MemoryMap& map);

/// The first executable mapping of each mapped file, ascending by address (so the main
/// program is usually the first). Nothing is opened.
std::vector<const Mapping*> executable_files(const MemoryMap& map);

}  // namespace loopscope
