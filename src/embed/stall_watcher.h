#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"

namespace loopscope {

/// Something StallWatcher looks at.
class Watched {
 public:
  virtual ~Watched() = default;
  /// Takes a look; returns after what time the next is due at the latest.
  virtual Nanos look() = 0;
};

/// The one thread of the process that looks at blocked loops while they are blocked. It
/// runs while there is something to watch, with all signals blocked.
class StallWatcher {
 public:
  static StallWatcher& instance();

  void add(Watched& watched);
  /// Returns when no look at it is under way or will follow.
  void remove(Watched& watched);

 private:
  void run();

  std::mutex lifecycle_;  ///< held while the thread is started or joined
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Watched*> watched_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace loopscope
