#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace loopscope {

/// What Kubernetes calls a container.
struct ContainerName {
  std::string pod_namespace;
  std::string pod;
  std::string container;

  friend bool operator==(const ContainerName&, const ContainerName&) = default;
};

/// One of the links that kubelet makes in /var/log/containers.
struct ContainerLog {
  std::string id;  ///< of the container; cut off where the file name would be too long
  ContainerName name;
};

/// "POD_NAMESPACE_CONTAINER-ID.log", cut to 255 bytes before ".log". Absent: it is none.
std::optional<ContainerLog> parse_container_log(std::string_view file_name);

/// Names of the containers of a Kubernetes node, from the names of the links in kubelet's
/// directory; the links are not followed. The directory is listed when somebody asks for a
/// container that is not known, at most every half second. Not thread-safe.
class ContainerNames {
 public:
  static constexpr Nanos kBetweenReads = std::chrono::milliseconds(500);
  /// Entries of the directory that are looked at; a node has some hundred.
  static constexpr std::size_t kMaxEntries = 16384;

  /// `clock` must outlive this.
  ContainerNames(std::string directory, const Clock& clock);

  /// Absent: not known, or not yet.
  std::optional<ContainerName> find(std::string_view id);

  /// Why the directory cannot be listed; empty as long as it can or nobody asked.
  const std::string& problem() const { return problem_; }

 private:
  std::optional<ContainerName> known(std::string_view id) const;
  void read();

  const std::string directory_;
  const Clock& clock_;
  std::map<std::string, ContainerName, std::less<>> names_;  ///< by ID
  std::optional<Nanos> read_at_;
  std::string problem_;
};

}  // namespace loopscope
