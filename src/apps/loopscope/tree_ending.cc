#include "apps/loopscope/tree_ending.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace loopscope {

TreeEnding::TreeEnding(const ProcessTree& tree, AskedBy asked_by, Nanos now)
    : tree_(tree),
      asked_by_(asked_by),
      parents_until_(now + kParentsPatience),
      kill_at_(now + kPatience) {}

void TreeEnding::hurry(Nanos now) {
  if (std::exchange(hurried_, true)) kill_at_ = std::min(kill_at_, now);
  parents_until_ = std::min(parents_until_, now);
}

bool TreeEnding::step(Nanos now) {
  const std::vector<ProcessTree::Member> living = tree_.living();
  if (living.empty() || now >= kill_at_ + kLastPatience) return false;
  for (const ProcessTree::Member& process : living) {
    if (now >= kill_at_) {
      signal_process(process.id, SIGKILL);
      const auto is_this = [&process](const auto& other) { return other.id == process.id; };
      if (std::ranges::none_of(killed_, is_this)) killed_.push_back(process);
      continue;
    }
    if (asked_.contains(process.id) || is_asked_by_others(process, living, now)) continue;
    asked_.insert(process.id);
    signal_process(process.id, SIGTERM);
    signal_process(process.id, SIGCONT);  // one that is stopped could not end
  }
  return true;
}

/// Passing on is for parents, and they have their time for it; what a terminal has asked is
/// asked again only where the user insists.
bool TreeEnding::is_asked_by_others(const ProcessTree::Member& process,
                                    const std::vector<ProcessTree::Member>& living,
                                    Nanos now) const {
  if (asked_by_ == AskedBy::kTerminal && !hurried_ && ::getpgid(process.id.pid) == ::getpgrp() &&
      !ignores_signal(process.id.pid, SIGINT)) {
    return true;
  }
  const auto is_parent = [&process](const auto& other) { return other.id.pid == process.parent; };
  return now < parents_until_ && std::ranges::any_of(living, is_parent);
}

}  // namespace loopscope
