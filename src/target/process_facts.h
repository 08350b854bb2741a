#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "target/listen_sockets.h"
#include "target/runtime_info.h"

namespace loopscope {

/// Listening sockets per network namespace, each read at most once in this object's life
/// (one discovery scan).
class ListenSocketsByNamespace {
 public:
  const ListenSockets& of(int pid);

 private:
  std::map<std::string, ListenSockets> by_namespace_;
};

/// What a process's open descriptors tell.
struct ProcessFiles {
  std::vector<std::uint16_t> ports;  ///< TCP ports it listens on
  bool has_epoll = false;
  bool is_denied = false;  ///< they could not be listed
};

/// What discovery asks about one process; each question is answered once, when asked.
class ProcessFacts {
 public:
  ProcessFacts(int pid, RuntimeProbe& probe, ListenSocketsByNamespace& sockets)
      : pid_(pid), probe_(probe), sockets_(sockets) {}

  int pid() const { return pid_; }
  const std::string& name();
  /// comm and executable base name.
  const std::vector<std::string>& names();
  const std::string& command_line();
  bool listens();
  bool listens_on(std::uint16_t port);
  bool has_epoll_descriptor();
  bool has_waiting_thread();
  const Result<RuntimeInfo>& runtime();
  /// Some of the questions could not be answered for lack of permission.
  bool is_restricted();

 private:
  const ProcessFiles& files();

  int pid_;
  RuntimeProbe& probe_;
  ListenSocketsByNamespace& sockets_;
  std::optional<std::string> name_;
  std::vector<std::string> names_;
  std::optional<std::string> command_line_;
  std::optional<ProcessFiles> files_;
  std::optional<bool> has_waiting_thread_;
  std::optional<Result<RuntimeInfo>> runtime_;
};

/// Whether `pid` is `ancestor` or descends from it.
bool descends_from(int pid, int ancestor);

}  // namespace loopscope
