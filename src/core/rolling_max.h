#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace loopscope {

/// The largest value recorded within a sliding window. The window is cut into kSlots
/// slots; a value is forgotten between one window and one window plus one slot after it
/// was recorded, never earlier. Value{} stands for "nothing recorded". Not thread-safe.
template <typename Value>
class RollingMax {
 public:
  explicit RollingMax(Nanos window = std::chrono::seconds(60))
      : slot_width_(std::max(window / static_cast<std::int64_t>(kSlots - 1), Nanos(1))) {}

  void record(Nanos at, Value value) {
    const std::int64_t epoch = epoch_of(at);
    Slot& slot = slots_[static_cast<std::size_t>(epoch) % kSlots];
    if (slot.epoch < epoch) slot = {epoch, value};
    if (slot.epoch == epoch) slot.value = std::max(slot.value, value);
  }

  Value max(Nanos now) const {
    const std::int64_t newest = epoch_of(now);
    Value result{};
    for (const Slot& slot : slots_) {
      if (slot.epoch > newest - static_cast<std::int64_t>(kSlots)) {
        result = std::max(result, slot.value);
      }
    }
    return result;
  }

 private:
  static constexpr std::size_t kSlots = 61;  // 60 full ones and the one being filled

  struct Slot {
    std::int64_t epoch = -1;
    Value value{};
  };

  std::int64_t epoch_of(Nanos at) const { return std::max(at, Nanos(0)) / slot_width_; }

  Nanos slot_width_;
  std::array<Slot, kSlots> slots_{};
};

}  // namespace loopscope
