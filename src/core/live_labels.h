#pragma once

#include <mutex>
#include <utility>

#include "core/snapshot.h"

namespace loopscope {

/// Labels that may change while they are in use (by a reload, when a container's name becomes
/// known). Thread-safe.
class LiveLabels {
 public:
  explicit LiveLabels(LoopLabels labels) : labels_(std::move(labels)) {}

  void set(LoopLabels labels) {
    const std::lock_guard lock(mutex_);
    labels_ = std::move(labels);
  }
  LoopLabels get() const {
    const std::lock_guard lock(mutex_);
    return labels_;
  }

 private:
  mutable std::mutex mutex_;
  LoopLabels labels_;
};

}  // namespace loopscope
