#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/target.h"

namespace loopscope {

/// The processes that are watched. Thread-safe.
class TargetRegistry {
 public:
  using Targets = std::vector<std::shared_ptr<Target>>;

  /// Null: it is not watched.
  std::shared_ptr<Target> find(const ProcessId& id) const;
  /// By pid.
  Targets all() const;
  std::size_t size() const;

  /// In the place of the one with its id, if there is one.
  void put(std::shared_ptr<Target> target);
  /// Takes out all but these, and returns them.
  Targets keep_only(const std::vector<FoundProcess>& found);

 private:
  mutable std::mutex mutex_;
  std::map<ProcessId, std::shared_ptr<Target>> targets_;
};

}  // namespace loopscope
