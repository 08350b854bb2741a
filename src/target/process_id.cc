#include "target/process_id.h"

#include <cerrno>
#include <string>

#include "target/proc_file.h"
#include "target/proc_stat.h"

namespace loopscope {
namespace {

constexpr std::size_t kStatCap = 2048;

bool means_absent(int error_number) { return error_number == ENOENT || error_number == ESRCH; }

/// `is_known`: the answer is about the process; false: that could not be looked at.
Result<ProcessId> look(int pid, bool& is_known) {
  const std::string pid_text = std::to_string(pid);
  const Error absent{"no process has pid " + pid_text};
  is_known = true;
  if (pid <= 0) return absent;
  int cause = 0;
  const auto text = read_proc_file("/proc/" + pid_text + "/stat", kStatCap, &cause);
  if (!text && means_absent(cause)) return absent;
  if (!text) {
    is_known = false;
    return text.error();
  }
  const auto stat = parse_proc_stat(*text);
  if (!stat) return Error{"cannot understand /proc/" + pid_text + "/stat"};
  if (stat->is_dead()) return Error{"process " + pid_text + " has ended (it is a zombie)"};
  return ProcessId{pid, stat->start_time};
}

}  // namespace

Result<ProcessId> identify(int pid) {
  bool is_known = false;
  return look(pid, is_known);
}

bool is_alive(const ProcessId& id) {
  bool is_known = false;
  const auto current = look(id.pid, is_known);
  return !is_known || (current.ok() && *current == id);
}

}  // namespace loopscope
