#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "loopscope/phase.h"

namespace loopscope {

/// The call in uv_run() that the calling thread is in.
struct UvRunCall {
  std::uintptr_t site = 0;  ///< return address: which call
  std::uintptr_t word = 0;  ///< where on the stack that address stands; the same for every
                            ///< call of one run of uv_run()
};

/// Which call in uv_run() belongs to which phase. Found by running a loop of its own once,
/// with a callback in every phase that looks up its own stack; so it holds for whatever
/// libuv is linked, and needs neither symbols nor a disassembler.
class CallSites {
 public:
  /// Made on first use (a fraction of a millisecond). Empty where return addresses are not
  /// kept just below the caller's frame (anything but x86-64) or stacks cannot be unwound.
  static const CallSites& of_linked_libuv();

  bool empty() const { return sites_.empty(); }
  /// kUnknown: no site seen in the trial run.
  Phase phase_at(std::uintptr_t site) const;
  /// To be called inside a callback of a loop. Nothing if that cannot be told.
  std::optional<UvRunCall> current_call() const;

 private:
  struct Site {
    std::uintptr_t address;
    Phase phase;
  };
  class TrialRun;

  void learn(std::uintptr_t site, Phase phase);

  std::uintptr_t uv_run_begin_ = 0;
  std::vector<Site> sites_;
};

}  // namespace loopscope
