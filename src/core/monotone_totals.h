#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace loopscope {

/// N totals that never go down although what they count may be judged anew.
///
/// Every cell has a settled part and an open part (what is in progress, as judged now);
/// their sum is what the cell should show. When a judgement moves an amount from cell A to
/// cell B after A has shown it, A keeps it; the next amounts meant for A then go to B until
/// both are right again. So no cell ever goes down, the sum over the cells is right at
/// every moment (unless it went down itself: then it waits), and each cell is right in the
/// long run.
template <std::size_t kCells>
class MonotoneTotals {
 public:
  using Cells = std::array<std::int64_t, kCells>;

  /// Changes the settled part of a cell.
  void add(std::size_t cell, std::int64_t amount) {
    settled_[cell] += amount;
    if (exact_ && amount >= 0) {
      shown_[cell] += amount;
    } else {
      exact_ = false;
    }
  }
  /// Replaces the open parts of all cells.
  void set_open(const Cells& open) {
    open_ = open;
    exact_ = false;
  }
  void clear_open() {
    if (!exact_) open_ = {};
  }

  /// What may be shown; call after a change is complete (settled and open).
  const Cells& publish() {
    if (!exact_) catch_up();
    return shown_;
  }

 private:
  void catch_up() {
    std::int64_t budget = 0;
    bool equal = true;
    for (std::size_t i = 0; i < kCells; ++i) budget += settled_[i] + open_[i] - shown_[i];
    for (std::size_t i = 0; i < kCells; ++i) {
      const std::int64_t owed = settled_[i] + open_[i] - shown_[i];
      const std::int64_t paid =
          std::clamp<std::int64_t>(owed, 0, std::max<std::int64_t>(budget, 0));
      shown_[i] += paid;
      budget -= paid;
      equal = equal && owed == paid && open_[i] == 0;
    }
    exact_ = equal;
  }

  Cells settled_{};
  Cells open_{};
  Cells shown_{};
  bool exact_ = true;  ///< shown_ equals settled_ and nothing is open
};

}  // namespace loopscope
