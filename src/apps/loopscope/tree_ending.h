#pragma once

#include <set>
#include <vector>

#include "apps/loopscope/process_tree.h"
#include "base/clock.h"

namespace loopscope {

/// Ends all processes of a tree, gently: each is asked once (SIGTERM), from above, as a parent
/// usually passes it on and waits for its children: npm does, and a server that is asked a second
/// time may break off what it was finishing. What has lost its parent is asked as well; after
/// kParentsPatience all that were not asked are; after kPatience what is left is killed.
///
/// Who has pressed Ctrl-C at a terminal has asked the whole process group already.
class TreeEnding {
 public:
  static constexpr Nanos kParentsPatience = std::chrono::seconds(5);
  static constexpr Nanos kPatience = std::chrono::seconds(10);
  /// For what has been killed, to be gone.
  static constexpr Nanos kLastPatience = std::chrono::seconds(2);

  enum class AskedBy {
    kUs,
    kTerminal,  ///< SIGINT went to all of our process group
  };

  TreeEnding(const ProcessTree& tree, AskedBy asked_by, Nanos now);

  /// Sends what is due to those that live. False: nobody lives any more, or it is given up.
  bool step(Nanos now);
  /// The user has lost patience: goes on to the next step at once.
  void hurry(Nanos now);

  /// Those that had to be killed.
  const std::vector<ProcessTree::Member>& killed() const { return killed_; }

 private:
  bool is_asked_by_others(const ProcessTree::Member& process,
                          const std::vector<ProcessTree::Member>& living, Nanos now) const;

  const ProcessTree& tree_;
  const AskedBy asked_by_;
  Nanos parents_until_;
  Nanos kill_at_;
  bool hurried_ = false;
  std::set<ProcessId> asked_;
  std::vector<ProcessTree::Member> killed_;
};

}  // namespace loopscope
