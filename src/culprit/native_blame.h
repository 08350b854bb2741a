#pragma once

#include <string>

#include "culprit/engine_images.h"
#include "culprit/native/native_stack.h"

namespace loopscope {

/// Whom native frames blame.
struct NativeVerdict {
  const NativeFrame* culprit = nullptr;  ///< of the walk; nullptr: nobody
  std::string why;                       ///< nobody is
  bool script_runs = false;              ///< one whose functions cannot be read
};

/// The frame to blame when no script's function is known: the innermost one of the program
/// itself. Not one of an engine, of the libraries it is linked with, or of the C runtime; not
/// one that has only called an engine whose scripts cannot be read, or has only started the
/// loop. `in_poll`: the thread waits for events; then only what runs a loop of its own inside of a
/// callback is to blame.
NativeVerdict native_culprit(const NativeWalk& walk, const EngineImages& engines, bool in_poll);

}  // namespace loopscope
