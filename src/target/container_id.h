#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "target/cgroup_directory.h"

namespace loopscope {

inline constexpr std::size_t kContainerIdDigits = 64;  ///< hexadecimal, in lower case

/// The container that a process is in, as its control group is named.
struct ContainerId {
  std::string id;       ///< kContainerIdDigits of them
  std::string pod_uid;  ///< of the Kubernetes pod, with dashes; empty: no pod is named

  friend bool operator==(const ContainerId&, const ContainerId&) = default;
};

/// Container runtimes name the group of a container after it: cri-containerd-ID.scope,
/// docker-ID.scope, /docker/ID, /kubepods/burstable/podUID/ID. Only the outermost such name
/// counts: below it, whoever runs in the container may make groups of any name. Absent: the
/// group is in no container, or in that of the reader's cgroup namespace.
std::optional<ContainerId> container_of_group(std::string_view path);

/// The container of the first group that is in one, that of version 2 before the others.
std::optional<ContainerId> container_of(const CgroupMembership& membership);

}  // namespace loopscope
