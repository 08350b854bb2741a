#include "apps/loopscope/process_tree.h"

#include <dirent.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdint>
#include <map>
#include <memory>
#include <string_view>
#include <utility>

#include "base/unique_fd.h"
#include "target/proc_file.h"
#include "target/proc_stat.h"

namespace loopscope {
namespace {

constexpr std::size_t kStatCap = 2048;
constexpr std::size_t kStatusCap = 8192;

std::vector<ProcessTree::Member> living_processes() {
  std::vector<ProcessTree::Member> found;
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), &::closedir);
  if (!proc) return found;
  // readdir is safe here: no other thread sees this DIR.
  while (const dirent* entry = ::readdir(proc.get())) {  // NOLINT(concurrency-mt-unsafe)
    std::string_view name = entry->d_name;
    std::uint64_t pid = 0;
    if (!take_number(name, pid) || !name.empty() || pid > INT_MAX) continue;
    const auto text = read_proc_file("/proc/" + std::to_string(pid) + "/stat", kStatCap);
    const auto stat = text ? parse_proc_stat(*text) : std::nullopt;
    if (!stat || stat->is_dead()) continue;
    found.push_back({.id = {stat->pid, stat->start_time},
                     .parent = stat->parent_pid,
                     .name = std::string(stat->comm)});
  }
  return found;
}

}  // namespace

ProcessTree ProcessTree::take_over() {
  ProcessTree tree;
  for (const Member& process : living_processes()) {
    if (process.parent == ::getpid()) tree.strangers_.insert(process.id);
  }
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  return tree;
}

std::vector<ProcessTree::Member> ProcessTree::living() const {
  std::multimap<int, Member> by_parent;
  for (Member& process : living_processes()) {
    const int parent = process.parent;
    by_parent.emplace(parent, std::move(process));
  }
  std::vector<Member> members;
  const auto take_children_of = [&](int pid) {
    const auto [begin, end] = by_parent.equal_range(pid);
    for (auto it = begin; it != end; ++it) {
      if (!strangers_.contains(it->second.id)) members.push_back(std::move(it->second));
    }
    by_parent.erase(begin, end);  // once each, whatever /proc says
  };
  take_children_of(::getpid());
  for (std::size_t i = 0; i < members.size(); ++i) take_children_of(members[i].id.pid);
  return members;
}

bool ProcessTree::is_empty() const {
  siginfo_t info{};
  if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD) return true;
  return !strangers_.empty() && living().empty();
}

bool signal_process(const ProcessId& process, int signal) {
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  // What the descriptor stands for stays the same; that it is the right one is seen now.
  if (!is_alive(process)) return false;
  if (pidfd.valid()) {
    return ::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) == 0;
  }
  return ::kill(process.pid, signal) == 0;
}

bool ignores_signal(int pid, int signal) {
  const auto status = read_proc_file("/proc/" + std::to_string(pid) + "/status", kStatusCap);
  if (!status) return false;
  constexpr std::string_view kField = "\nSigIgn:\t";
  const std::size_t at = status->find(kField);
  if (at == std::string::npos) return false;
  const std::string hex = "0x" + status->substr(at + kField.size(), 16);
  std::string_view text = hex;
  std::uint64_t mask = 0;
  return take_number(text, mask) && (mask >> static_cast<unsigned>(signal - 1) & 1U) != 0;
}

}  // namespace loopscope
