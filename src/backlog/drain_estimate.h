#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>

#include "base/clock.h"

namespace loopscope {

/// How long the accept queue of one listening address takes to drain at the rate at which
/// connections are accepted now: what a connection that comes now will wait.
///
/// The kernel counts no accepts. It does tell which connections wait (their cookies), and the
/// queue is first in, first out: while one of those seen before still waits, none that came
/// after it has been accepted, so what was accepted since is what came minus what the queue has
/// grown by. Where all have gone in the meantime nothing is known but that it was quick.
class DrainEstimate {
 public:
  using Cookie = std::array<std::uint32_t, 2>;

  /// `depth` is of the same moment as `waiting`, the connections that nobody has accepted yet.
  void observe(Nanos at, std::uint64_t depth, std::set<Cookie> waiting);

  /// 0 for an empty queue; absent while the rate is not known or nothing was accepted in the
  /// last seconds.
  std::optional<Nanos> drain(Nanos now, std::uint64_t depth) const;

 private:
  struct Step {
    Nanos end{0};
    Nanos span{0};
    std::uint64_t accepted = 0;
  };

  std::set<Cookie> waiting_;
  std::uint64_t depth_ = 0;
  Nanos at_{0};
  std::deque<Step> steps_;  // of the last seconds, oldest first
};

}  // namespace loopscope
