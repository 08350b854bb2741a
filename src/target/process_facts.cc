#include "target/process_facts.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "target/base_name.h"
#include "target/open_files.h"
#include "target/proc_file.h"
#include "target/proc_stat.h"
#include "target/process_info.h"

namespace loopscope {
namespace {

constexpr int kMaxGenerations = 64;

/// "net:[4026531840]"; empty if it must not be read.
std::string network_namespace(int pid) {
  const std::string link = "/proc/" + std::to_string(pid) + "/ns/net";
  std::array<char, 64> target{};
  const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
  return length > 0 ? std::string(target.data(), static_cast<std::size_t>(length)) : "";
}

}  // namespace

const ListenSockets& ListenSocketsByNamespace::of(int pid) {
  const std::string own = network_namespace(::getpid());
  std::string name = network_namespace(pid);
  if (name.empty()) name = own;
  const auto found = by_namespace_.find(name);
  if (found != by_namespace_.end()) return found->second;
  return by_namespace_
      .emplace(name,
               name == own ? ListenSockets::of_own_namespace() : ListenSockets::of_namespace(pid))
      .first->second;
}

const std::string& ProcessFacts::name() {
  if (!name_) {
    const auto name = process_name(pid_);
    name_ = name ? *name : std::string();
  }
  return *name_;
}

const std::vector<std::string>& ProcessFacts::names() {
  if (names_.empty()) {
    names_.push_back(name());
    if (const auto path = executable_path(pid_)) {
      names_.push_back(base_name(*path));
    }
  }
  return names_;
}

const std::string& ProcessFacts::command_line() {
  if (!command_line_) {
    const auto line = loopscope::command_line(pid_);
    command_line_ = line ? *line : std::string();
  }
  return *command_line_;
}

const ProcessFiles& ProcessFacts::files() {
  if (files_) return *files_;
  files_.emplace();
  const ListenSockets& sockets = sockets_.of(pid_);
  const auto visited = visit_open_files(pid_, [&](const OpenFile& file) {
    files_->has_epoll |= file.is_epoll;
    if (file.socket_inode != 0) {
      if (const auto port = sockets.port_of(file.socket_inode)) files_->ports.push_back(*port);
    }
    return true;
  });
  files_->is_denied = !visited.ok();
  return *files_;
}

bool ProcessFacts::listens() { return !files().ports.empty(); }

bool ProcessFacts::listens_on(std::uint16_t port) {
  const auto& ports = files().ports;
  return std::find(ports.begin(), ports.end(), port) != ports.end();
}

bool ProcessFacts::has_epoll_descriptor() { return files().has_epoll; }

const WaitVerdict& ProcessFacts::waits() {
  if (waits_) return *waits_;
  waits_.emplace();
  if (const auto threads = list_threads(pid_)) {
    waits_ = judge_waits(pid_, epoll_waiters(pid_, *threads));
  }
  return *waits_;
}

bool ProcessFacts::has_waiting_thread() { return waits().has_loop; }

std::string ProcessFacts::why_no_loop() {
  if (runtime()) {
    if (runtime()->has_uv_run || main_thread_is_loop(*runtime())) return {};
    std::string reason = why_no_event_loop(*runtime());
    if (!reason.empty()) return reason;
  }
  return waits().has_loop ? std::string() : waits().why_not;
}

const Result<RuntimeInfo>& ProcessFacts::runtime() {
  if (!runtime_) runtime_ = probe_.probe(pid_);
  return *runtime_;
}

const RuntimeInfo& ProcessFacts::executable_runtime() {
  if (!executable_runtime_) executable_runtime_ = probe_.probe_executable(pid_);
  return *executable_runtime_;
}

const Program& ProcessFacts::program() {
  if (!program_) {
    program_ = read_program(pid_, executable_runtime(), name());
  }
  return *program_;
}

bool ProcessFacts::is_restricted() { return !runtime().ok() || files().is_denied; }

bool descends_from(int pid, int ancestor) {
  for (int generation = 0; generation < kMaxGenerations && pid > 0; ++generation) {
    if (pid == ancestor) return true;
    const auto text = read_proc_file("/proc/" + std::to_string(pid) + "/stat", 2048);
    if (!text) return false;
    const auto stat = parse_proc_stat(*text);
    if (!stat) return false;
    pid = stat->parent_pid;
  }
  return false;
}

}  // namespace loopscope
