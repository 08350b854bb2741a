#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "loopscope/phase.h"

namespace loopscope {

/// How a piece of text looks, by what it means; the screen chooses colours.
enum class TextStyle : std::uint8_t {
  kPlain,
  kTitle,
  kHeader,
  kDim,
  kWarning,
  kAlarm,
  // One per phase, in the order of Phase.
  kTimers,
  kPending,
  kIdlePrepare,
  kPollWait,
  kPoll,
  kCheck,
  kClosing,
  kUnknown,
};

constexpr TextStyle style_of(Phase phase) {
  return static_cast<TextStyle>(static_cast<std::size_t>(TextStyle::kTimers) +
                                static_cast<std::size_t>(phase));
}

/// Text that is fit for a terminal, see fit_text().
struct StyledText {
  std::string text;
  TextStyle style = TextStyle::kPlain;
};

/// One line of the screen, from the left.
using ScreenLine = std::vector<StyledText>;

}  // namespace loopscope
