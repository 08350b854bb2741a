#pragma once

#include <set>
#include <string>
#include <vector>

#include "target/discovery.h"

namespace loopscope {

/// Writes into the log what people should know of the watching: each thing once, not at every
/// look. For one thread.
class ObserverLog {
 public:
  void found(const FoundProcess& process, const std::string& name, int slot);
  void gone(const std::string& name, int pid);
  /// `pid` 0: of no single process.
  void problem(int pid, const std::string& source, const std::string& reason);
  /// One line, however many they are: on a machine full of Go programs they are many.
  void left_out(const std::vector<LeftOutProcess>& processes);
  /// Once for each program, not for each of its processes.
  void unselected(const std::vector<UnselectedProcess>& processes);

 private:
  bool is_new(std::string key);

  std::set<std::string> told_;
};

}  // namespace loopscope
