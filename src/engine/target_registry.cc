#include "engine/target_registry.h"

#include <set>
#include <utility>

namespace loopscope {

std::shared_ptr<Target> TargetRegistry::find(const ProcessId& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = targets_.find(id);
  return found == targets_.end() ? nullptr : found->second;
}

TargetRegistry::Targets TargetRegistry::all() const {
  const std::lock_guard lock(mutex_);
  Targets targets;
  targets.reserve(targets_.size());
  for (const auto& [id, target] : targets_) targets.push_back(target);
  return targets;
}

std::size_t TargetRegistry::size() const {
  const std::lock_guard lock(mutex_);
  return targets_.size();
}

void TargetRegistry::put(std::shared_ptr<Target> target) {
  const std::lock_guard lock(mutex_);
  const ProcessId id = target->id();
  targets_.insert_or_assign(id, std::move(target));
}

TargetRegistry::Targets TargetRegistry::keep_only(const std::vector<FoundProcess>& found) {
  std::set<ProcessId> kept;
  for (const FoundProcess& process : found) kept.insert(process.id);
  Targets taken;
  const std::lock_guard lock(mutex_);
  for (auto it = targets_.begin(); it != targets_.end();) {
    if (kept.contains(it->first)) {
      ++it;
      continue;
    }
    taken.push_back(std::move(it->second));
    it = targets_.erase(it);
  }
  return taken;
}

}  // namespace loopscope
