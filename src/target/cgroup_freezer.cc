#include "target/cgroup_freezer.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "target/cgroup_directory.h"
#include "target/proc_file.h"

namespace loopscope {

bool parse_frozen(std::string_view text) {
  return text.starts_with("FROZEN") || text.starts_with("frozen 1") ||
         text.find("\nfrozen 1") != std::string_view::npos;
}

Result<CgroupFreezer> CgroupFreezer::open(int pid) {
  const auto directories = find_cgroup_directories(pid, "freezer");
  if (!directories) return directories.error();
  CgroupFreezer freezer;
  for (const CgroupDirectory& directory : *directories) {
    const std::string path =
        directory.path + (directory.is_version2 ? "/cgroup.events" : "/freezer.state");
    UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    // The root group has neither file and cannot be frozen.
    if (file.valid()) freezer.files_.push_back(std::move(file));
  }
  if (freezer.files_.empty()) {
    return Error{"pid " + std::to_string(pid) + " is in no cgroup that can be frozen"};
  }
  return freezer;
}

bool CgroupFreezer::is_frozen() const {
  return std::any_of(files_.begin(), files_.end(), [](const UniqueFd& file) {
    std::array<char, 256> buffer;
    const long got = pread_start(file.get(), buffer);
    return got > 0 && parse_frozen({buffer.data(), static_cast<std::size_t>(got)});
  });
}

}  // namespace loopscope
