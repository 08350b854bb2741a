#pragma once

namespace loopscope {

/// A key pressed at the terminal.
struct KeyPress {
  enum class Kind { kCharacter, kUp, kDown, kPageUp, kPageDown, kHome, kEnd, kOther };

  Kind kind = Kind::kOther;
  char character = 0;  ///< of kCharacter: ASCII
};

}  // namespace loopscope
