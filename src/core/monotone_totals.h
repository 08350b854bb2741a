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
/// long run. Cells come in kGroups groups of equally many in a row: what has to be made up
/// for is made up for within a group if it can be, so that sums over groups are right sooner.
template <std::size_t kCells, std::size_t kGroups = 1>
class MonotoneTotals {
 public:
  static_assert(kCells % kGroups == 0);
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
  static constexpr std::size_t kGroupSize = kCells / kGroups;

  std::int64_t owed(std::size_t cell) const { return settled_[cell] + open_[cell] - shown_[cell]; }

  void catch_up() {
    std::array<std::int64_t, kGroups> group_owed{};
    std::int64_t budget = 0;
    for (std::size_t i = 0; i < kCells; ++i) group_owed[i / kGroupSize] += owed(i);
    for (const std::int64_t amount : group_owed) budget += amount;
    bool equal = true;
    for (std::size_t group = 0; group < kGroups; ++group) {
      std::int64_t group_budget = payable(group_owed[group], budget);
      budget -= group_budget;
      for (std::size_t i = group * kGroupSize; i < (group + 1) * kGroupSize; ++i) {
        const std::int64_t paid = payable(owed(i), group_budget);
        group_budget -= paid;
        shown_[i] += paid;
        equal = equal && owed(i) == 0 && open_[i] == 0;
      }
    }
    exact_ = equal;
  }

  static std::int64_t payable(std::int64_t owed, std::int64_t budget) {
    return std::max<std::int64_t>(std::min(owed, budget), 0);
  }

  Cells settled_{};
  Cells open_{};
  Cells shown_{};
  bool exact_ = true;  ///< shown_ equals settled_ and nothing is open
};

}  // namespace loopscope
