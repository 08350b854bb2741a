#pragma once

#include <set>
#include <string>
#include <vector>

#include "core/snapshot.h"
#include "target/discovery.h"

namespace loopscope {

/// Writes into the log what people should know of the watching: each thing once, not at every
/// look. For one thread.
class ObserverLog {
 public:
  void found(const FoundProcess& process, const LoopLabels& labels);
  void gone(const LoopLabels& labels);
  /// `pid` 0: of no single process. `labels`: of the process, as far as they are known.
  void problem(int pid, const std::string& source, const std::string& reason,
               const LoopLabels& labels = {});
  /// One line, however many they are: on a machine full of Go programs they are many.
  void left_out(const std::vector<LeftOutProcess>& processes);
  /// Once for each program, not for each of its processes.
  void unselected(const std::vector<UnselectedProcess>& processes);

 private:
  bool is_new(std::string key);

  std::set<std::string> told_;
};

}  // namespace loopscope
