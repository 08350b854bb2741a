#include "engine/target.h"

#include <utility>

namespace loopscope {

Target::Target(TargetFacts facts)
    : id_(facts.process.id),
      labels_(std::make_shared<LiveLabels>(facts.labels)),
      facts_(std::move(facts)) {}

TargetFacts Target::facts() const {
  const std::lock_guard lock(mutex_);
  return facts_;
}

bool Target::has_become_another(const FoundProcess& process) const {
  const std::lock_guard lock(mutex_);
  const FoundProcess& before = facts_.process;
  return !is_same_exec(before.exec_mark, process.exec_mark) || before.program != process.program ||
         (!before.runtime.version.empty() && before.runtime.version != process.runtime.version);
}

void Target::update(TargetFacts facts) {
  labels_->set(facts.labels);
  const std::lock_guard lock(mutex_);
  facts_ = std::move(facts);
}

}  // namespace loopscope
