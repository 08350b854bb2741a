#include "target/process_id.h"

#include <string>

#include "target/proc_file.h"
#include "target/proc_stat.h"

namespace loopscope {
namespace {

constexpr std::size_t kStatCap = 2048;

}  // namespace

Result<ProcessId> identify(int pid) {
  const std::string pid_text = std::to_string(pid);
  const Error absent{"no process has pid " + pid_text};
  if (pid <= 0) return absent;
  const auto text = read_proc_file("/proc/" + pid_text + "/stat", kStatCap);
  if (!text) return absent;
  const auto stat = parse_proc_stat(*text);
  if (!stat) return Error{"cannot understand /proc/" + pid_text + "/stat"};
  if (stat->is_dead()) return Error{"process " + pid_text + " has ended (it is a zombie)"};
  return ProcessId{pid, stat->start_time};
}

bool is_alive(const ProcessId& id) {
  const auto current = identify(id.pid);
  return current.ok() && *current == id;
}

}  // namespace loopscope
