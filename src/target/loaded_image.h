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

/// Opens the file behind a mapping of `pid`, whatever mount namespace the process is in.
/// /proc/PID/map_files first (works for deleted files, needs CAP_CHECKPOINT_RESTORE or
/// CAP_SYS_ADMIN), then /proc/PID/exe for the main program, then the path below
/// /proc/PID/root, resolved so that no symbolic link of the target leads out of its root.
/// The file found must have the mapping's inode. Regular files up to
/// ElfImage::kMaxFileSize only; never blocks.
Result<UniqueFd> open_mapped_file(int pid, const Mapping& mapping);

/// Opens the image `mapping` belongs to and computes where it is loaded.
Result<LoadedImage> load_image(int pid, const MemoryMap& map, const Mapping& mapping);

/// The main program's image.
Result<LoadedImage> load_main_image(int pid, const MemoryMap& map);

/// The images of a process that can contain code: one entry per mapped file with an
/// executable mapping, the main program first. Nothing is opened.
std::vector<const Mapping*> executable_files(const MemoryMap& map);

}  // namespace loopscope
