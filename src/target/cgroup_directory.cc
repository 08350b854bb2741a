#include "target/cgroup_directory.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>

#include "target/deleted_file.h"
#include "target/proc_file.h"
#include "target/text_part.h"

namespace loopscope {
namespace {

constexpr std::size_t kMembershipCap = 65536;
constexpr std::size_t kMountsCap = std::size_t{1} << 20;  // a container host has thousands

/// Whether `name` is one of the comma-separated `list`.
bool is_listed(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    if (take_part(list, ',') == name) return true;
  }
  return false;
}

bool is_octal(char c) { return c >= '0' && c <= '7'; }

/// mountinfo writes blanks, tabs, line feeds and backslashes as \ooo.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 3 < text.size() && is_octal(text[at + 1]) &&
        is_octal(text[at + 2]) && is_octal(text[at + 3])) {
      out += static_cast<char>(((text[at + 1] - '0') << 6) | ((text[at + 2] - '0') << 3) |
                               (text[at + 3] - '0'));
      at += 3;
    } else {
      out += text[at];
    }
  }
  return out;
}

/// `group` below `root`: "" or "/x/y"; absent if it is elsewhere.
std::optional<std::string_view> below(std::string_view group, std::string_view root) {
  if (root == "/") {
    // "/../x" is not below the root that this cgroup namespace has.
    if (group.starts_with("/..")) return std::nullopt;
    return group == "/" ? std::string_view() : group;
  }
  if (!group.starts_with(root)) return std::nullopt;
  group.remove_prefix(root.size());
  // "/../a" and "/../../b" or "/ab": other groups.
  if (!group.empty() && (group.front() != '/' || group.starts_with("/.."))) return std::nullopt;
  return group;
}

bool is_cgroup_directory(const CgroupDirectory& directory) {
  // Something else may be mounted over a part of it, above all where a target can mount.
  struct statfs file_system {};
  if (::statfs(directory.path.c_str(), &file_system) != 0) return false;
  return file_system.f_type == (directory.is_version2 ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC);
}

}  // namespace

Result<std::string> read_cgroup_membership(int pid) {
  return read_proc_file("/proc/" + std::to_string(pid) + "/cgroup", kMembershipCap);
}

CgroupMembership parse_cgroup_membership(std::string_view text) {
  CgroupMembership found;
  while (!text.empty()) {
    std::string_view line = take_part(text, '\n');
    const std::string_view id = take_part(line, ':');
    const std::string_view controllers = take_part(line, ':');
    if (line.ends_with(kDeletedMark)) line.remove_suffix(kDeletedMark.size());
    if (id.empty() || !line.starts_with('/')) continue;
    if (id == "0" && controllers.empty()) {
      found.version2 = std::string(line);
    } else if (!controllers.empty()) {
      found.version1.push_back({std::string(controllers), std::string(line)});
    }
  }
  return found;
}

std::vector<CgroupMount> parse_cgroup_mounts(std::string_view mountinfo) {
  std::vector<CgroupMount> mounts;
  while (!mountinfo.empty()) {
    // proc_pid_mountinfo(5): ID, parent, device, root, mount point, options, optional
    // fields, "-", type, source, options of the superblock.
    std::string_view line = take_part(mountinfo, '\n');
    const std::size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    std::string_view superblock = line.substr(dash + 3);
    const std::string_view type = take_part(superblock, ' ');
    if (type != "cgroup" && type != "cgroup2") continue;
    take_part(superblock, ' ');
    for (int field = 0; field < 3; ++field) take_part(line, ' ');
    CgroupMount mount;
    mount.root = unescaped(take_part(line, ' '));
    mount.mount_point = unescaped(take_part(line, ' '));
    mount.is_version2 = type == "cgroup2";
    mount.options = std::string(superblock);
    if (mount.root.starts_with('/') && mount.mount_point.starts_with('/')) {
      mounts.push_back(std::move(mount));
    }
  }
  return mounts;
}

std::optional<CgroupDirectory> directory_of_group(std::string_view group, bool is_version2,
                                                  std::string_view controller,
                                                  const std::vector<CgroupMount>& mounts) {
  for (const CgroupMount& mount : mounts) {
    if (mount.is_version2 != is_version2) continue;
    if (!is_version2 && !is_listed(mount.options, controller)) continue;
    const auto rest = below(group, mount.root);
    if (!rest) continue;
    return CgroupDirectory{mount.mount_point + std::string(*rest), mount.mount_point, is_version2};
  }
  return std::nullopt;
}

Result<std::vector<CgroupDirectory>> find_cgroup_directories(int pid, std::string_view controller) {
  const std::string process = "/proc/" + std::to_string(pid);
  const auto membership_text = read_cgroup_membership(pid);
  if (!membership_text) return membership_text.error();
  const CgroupMembership membership = parse_cgroup_membership(*membership_text);

  std::vector<CgroupDirectory> found;
  const auto add = [&](std::string_view group, bool is_version2) {
    // A target in another mount namespace shows its own mounts below /proc/PID/root.
    for (const auto& [mountinfo, prefix] :
         {std::pair<std::string, std::string>("/proc/self/mountinfo", ""),
          std::pair<std::string, std::string>(process + "/mountinfo", process + "/root")}) {
      const auto text = read_proc_file(mountinfo, kMountsCap);
      if (!text) continue;
      auto directory =
          directory_of_group(group, is_version2, controller, parse_cgroup_mounts(*text));
      if (!directory) continue;
      directory->path.insert(0, prefix);
      directory->mount_point.insert(0, prefix);
      if (!is_cgroup_directory(*directory)) continue;
      found.push_back(*std::move(directory));
      return;
    }
  };
  for (const auto& [controllers, path] : membership.version1) {
    if (is_listed(controllers, controller)) add(path, false);
  }
  if (membership.version2) add(*membership.version2, true);
  if (found.empty()) {
    return Error{"the " + std::string(controller) + " cgroup of pid " + std::to_string(pid) +
                 " is not visible here; mount the host's /sys/fs/cgroup read-only to see it"};
  }
  return found;
}

}  // namespace loopscope
