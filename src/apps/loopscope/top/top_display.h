#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "apps/loopscope/top/top_row.h"

namespace loopscope {

/// Where `loopscope top` shows its rows.
class TopDisplay {
 public:
  virtual ~TopDisplay() = default;

  /// A descriptor that is readable when keys() has something to do; -1: none.
  virtual int input() const { return -1; }
  // Each returns false when the program is to end.
  /// The figures of one interval that ended at `at`.
  virtual bool show(std::vector<TopRow> rows, std::chrono::system_clock::time_point at) = 0;
  /// Takes the keys pressed.
  virtual bool keys() { return true; }

  /// Why show() ended the program, if it was not the user's doing; else empty.
  virtual std::string problem() const { return {}; }
  /// The terminal has another size.
  virtual void resized() {}
  /// The user wants the program stopped (Ctrl-Z); returns once it goes on.
  virtual void suspend() {}
};

}  // namespace loopscope
