#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "target/epoll_waiters.h"
#include "target/listen_sockets.h"
#include "target/program.h"
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
  /// Why its threads that wait in epoll are no event loops; empty: they may be, or none waits.
  std::string why_no_loop();
  const Result<RuntimeInfo>& runtime();
  /// What its executable alone tells, see RuntimeProbe.
  const RuntimeInfo& executable_runtime();
  /// What it was when first asked.
  const Program& program();
  /// Some of the questions could not be answered for lack of permission.
  bool is_restricted();

 private:
  const ProcessFiles& files();
  const WaitVerdict& waits();

  int pid_;
  RuntimeProbe& probe_;
  ListenSocketsByNamespace& sockets_;
  std::optional<std::string> name_;
  std::vector<std::string> names_;
  std::optional<std::string> command_line_;
  std::optional<ProcessFiles> files_;
  std::optional<WaitVerdict> waits_;
  std::optional<Result<RuntimeInfo>> runtime_;
  std::optional<RuntimeInfo> executable_runtime_;
  std::optional<Program> program_;
};

/// Whether `pid` is `ancestor` or descends from it.
bool descends_from(int pid, int ancestor);

}  // namespace loopscope
