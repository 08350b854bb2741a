#pragma once

#include <atomic>
#include <cstdint>

#include "embed/call_sites.h"
#include "loopscope/phase.h"

namespace loopscope {

/// Lets other threads see which phase uv_run() is in, by the word on the loop thread's stack
/// that holds the return address of the call it makes. The loop thread finds the word.
class PhaseProbe {
 public:
  PhaseProbe() : sites_(CallSites::of_linked_libuv()) {}

  /// Loop thread, at the same place in a callback in every turn: `frame` is that place's
  /// frame address. Looks for the word anew when uv_run() runs elsewhere on the stack.
  void locate(const void* frame, std::uint64_t now_ns) {
    if (frame != frame_) relocate(frame, now_ns);
  }
  /// Any thread. kUnknown if there is no telling.
  Phase look() const;

 private:
  void relocate(const void* frame, std::uint64_t now_ns);

  const CallSites& sites_;
  const void* frame_ = nullptr;
  std::uint64_t relocated_at_ns_ = 0;
  std::atomic<std::uintptr_t> word_{0};  ///< 0: not known
};

}  // namespace loopscope
