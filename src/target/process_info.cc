#include "target/process_info.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/ascii.h"
#include "target/base_name.h"
#include "target/deleted_file.h"
#include "target/proc_file.h"

namespace loopscope {
namespace {

constexpr std::size_t kMaxThreads = 4096;
constexpr std::size_t kCommandLineCap = 4096;

std::string proc_path(int pid, const char* name) {
  return "/proc/" + std::to_string(pid) + "/" + name;
}

std::string task_path(int pid, int tid, const char* name) {
  return "/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/" + name;
}

/// Names a runtime gives to its main thread, which hide the program's own (Node 24:
/// "MainThread", Node 26: "node-MainThread").
bool is_general_name(std::string_view comm) {
  return comm == "MainThread" || comm.ends_with("-MainThread");
}

}  // namespace

Result<std::vector<int>> list_threads(int pid) {
  const std::string path = proc_path(pid, "task");
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), &::closedir);
  if (!directory) return Error{"cannot list " + path + ": " + errno_text(errno)};
  std::vector<int> threads;
  // readdir is safe here: no other thread sees this DIR.
  while (const dirent* entry = ::readdir(directory.get())) {  // NOLINT(concurrency-mt-unsafe)
    std::string_view name = entry->d_name;
    std::uint64_t tid = 0;
    if (!take_number(name, tid) || !name.empty() || tid > INT_MAX) continue;
    threads.push_back(static_cast<int>(tid));
    if (threads.size() == kMaxThreads) break;
  }
  std::sort(threads.begin(), threads.end());
  return threads;
}

Result<int> ns_tid(int pid, int tid) {
  const std::string path = task_path(pid, tid, "status");
  const auto text = read_proc_file(path, 16384);
  if (!text) return text.error();
  constexpr std::string_view kKey = "\nNSpid:";
  const std::size_t line = text->find(kKey);
  if (line == std::string::npos) return Error{path + " has no NSpid line"};
  std::string_view rest = std::string_view(*text).substr(line + kKey.size());
  rest = rest.substr(0, rest.find('\n'));
  std::uint64_t innermost = 0;
  while (take_number(rest, innermost)) {
  }
  if (innermost == 0 || innermost > INT_MAX) return Error{"cannot understand NSpid in " + path};
  return static_cast<int>(innermost);
}

Result<std::string> thread_name(int pid, int tid) {
  auto text = read_proc_file(task_path(pid, tid, "comm"), 256);
  if (!text) return text.error();
  if (text->ends_with('\n')) text->pop_back();
  return without_controls(std::move(*text));
}

Result<std::string> process_name(int pid) {
  auto comm = thread_name(pid, pid);
  if (!comm || !is_general_name(*comm)) return comm;
  const auto executable = executable_path(pid);
  if (!executable) return comm;
  return without_controls(base_name(*executable));
}

Result<std::string> executable_path(int pid) {
  const std::string link = proc_path(pid, "exe");
  std::array<char, PATH_MAX> target{};
  const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
  if (length < 0) return Error{"cannot read " + link + ": " + errno_text(errno)};
  std::string path(target.data(), static_cast<std::size_t>(length));
  if (path.ends_with(kDeletedMark)) path.resize(path.size() - kDeletedMark.size());
  return path;
}

Result<std::string> command_line(int pid) {
  auto text = read_proc_file(proc_path(pid, "cmdline"), kCommandLineCap);
  if (!text) return text.error();
  while (text->ends_with('\0')) text->pop_back();
  std::replace(text->begin(), text->end(), '\0', ' ');
  return without_controls(std::move(*text));
}

}  // namespace loopscope
