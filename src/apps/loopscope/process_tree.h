#pragma once

#include <set>
#include <string>
#include <vector>

#include "target/process_id.h"

namespace loopscope {

/// All processes that come from this one, also those whose own parents have ended: the kernel
/// gives such orphans to this process (PR_SET_CHILD_SUBREAPER), which has to reap them.
class ProcessTree {
 public:
  struct Member {
    ProcessId id;
    int parent = 0;
    std::string name;
  };

  /// From now on orphans come here. Children that this process has already (those of a shell
  /// that has become this program) and what they start do not belong to the tree.
  static ProcessTree take_over();

  /// Whether orphans can be told from what descends from earlier children.
  bool holds_all_orphans() const { return strangers_.empty(); }
  /// Those that run now; no zombies. Reads all of /proc.
  std::vector<Member> living() const;
  /// Whether there are any; cheaper.
  bool is_empty() const;

 private:
  std::set<ProcessId> strangers_;
};

/// Sends a signal to exactly this process, whoever may have its pid by now. False: it is gone,
/// or is another user's.
bool signal_process(const ProcessId& process, int signal);

/// Whether the process ignores this signal.
bool ignores_signal(int pid, int signal);

}  // namespace loopscope
