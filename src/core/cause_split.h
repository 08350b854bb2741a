#pragma once

#include <optional>

#include "core/busy_period.h"
#include "core/loop_sample.h"

namespace loopscope {

/// For how long looks in a busy period found its thread in these states.
struct StateTimes {
  Nanos stopped{0};
  Nanos collecting{0};
};

/// Splits a busy period's `duration` by what its thread got from the scheduler meanwhile
/// (`before` and `after`: its accounting at the edges) and what looks met it in. A
/// collection counts in full, also while the thread waits in it for a CPU or for the
/// collector's helpers. `exact`: the thread slept at `after`, so that its accounting is up to
/// date.
CauseTimes split_causes(Nanos duration, const std::optional<SchedCounters>& before,
                        const std::optional<SchedCounters>& after, const StateTimes& states,
                        bool exact);

}  // namespace loopscope
