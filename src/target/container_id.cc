#include "target/container_id.h"

#include <algorithm>

#include "base/ascii.h"

namespace loopscope {
namespace {

constexpr std::size_t kUidLength = 36;
constexpr std::size_t kStaticUidLength = 32;

bool is_hex(std::string_view text) { return std::all_of(text.begin(), text.end(), is_lower_hex); }

void drop_suffix(std::string_view& text, std::string_view suffix) {
  if (text.ends_with(suffix)) text.remove_suffix(suffix.size());
}

/// The ID in "ID", "RUNTIME-ID" and "RUNTIME-ID.scope"; empty: there is none.
std::string_view id_in(std::string_view part) {
  drop_suffix(part, ".scope");
  if (part.size() < kContainerIdDigits) return {};
  const std::string_view runtime = part.substr(0, part.size() - kContainerIdDigits);
  const std::string_view id = part.substr(runtime.size());
  if (!is_hex(id) || (!runtime.empty() && !runtime.ends_with('-'))) return {};
  // The program that keeps the container's terminal; it runs outside of it.
  if (runtime.ends_with("conmon-")) return {};
  return id;
}

bool is_pod_uid(std::string_view uid) {
  // A static pod's is a hash, without dashes.
  if (uid.size() == kStaticUidLength) return is_hex(uid);
  if (uid.size() != kUidLength) return false;
  for (std::size_t at = 0; at < uid.size(); ++at) {
    const bool is_dash = at == 8 || at == 13 || at == 18 || at == 23;
    if (is_dash ? uid[at] != '-' : !is_lower_hex(uid[at])) return false;
  }
  return true;
}

/// The UID in "podUID" and "kubepods-burstable-podUID.slice"; empty: there is none.
std::string pod_uid_in(std::string_view part) {
  drop_suffix(part, ".slice");
  constexpr std::string_view kPod = "pod";
  const std::size_t at = part.rfind(kPod);
  if (at == std::string_view::npos || (at > 0 && part[at - 1] != '-')) return {};
  std::string uid(part.substr(at + kPod.size()));
  // A dash would be one more level to systemd, so kubelet writes underscores there.
  std::replace(uid.begin(), uid.end(), '_', '-');
  return is_pod_uid(uid) ? uid : std::string();
}

}  // namespace

std::optional<ContainerId> container_of_group(std::string_view path) {
  ContainerId found;
  while (!path.empty()) {
    // containerd that is not told of systemd's way writes "SLICE:cri-containerd:ID".
    const std::size_t end = path.find_first_of("/:");
    const std::string_view part = path.substr(0, end);
    path.remove_prefix(end == std::string_view::npos ? path.size() : end + 1);
    if (const std::string_view id = id_in(part); !id.empty()) {
      found.id = std::string(id);
      return found;
    }
    if (found.pod_uid.empty()) found.pod_uid = pod_uid_in(part);
  }
  return std::nullopt;
}

std::optional<ContainerId> container_of(const CgroupMembership& membership) {
  if (membership.version2) {
    if (auto found = container_of_group(*membership.version2)) return found;
  }
  for (const auto& group : membership.version1) {
    if (auto found = container_of_group(group.path)) return found;
  }
  return std::nullopt;
}

}  // namespace loopscope
