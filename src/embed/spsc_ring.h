#pragma once

#include <array>
#include <atomic>
#include <cstddef>

namespace loopscope {

/// Bounded queue between one writing and one reading thread (readers may take turns under a
/// lock of their own). Neither ever waits.
template <typename T, std::size_t kCapacity>
class SpscRing {
 public:
  /// False if it is full.
  bool push(const T& item) {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    if (head - tail_.load(std::memory_order_acquire) == kCapacity) return false;
    items_[head % kCapacity] = item;
    head_.store(head + 1, std::memory_order_release);
    return true;
  }

  /// False if it is empty.
  bool pop(T& item) {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail == head_.load(std::memory_order_acquire)) return false;
    item = items_[tail % kCapacity];
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

 private:
  std::array<T, kCapacity> items_{};
  std::atomic<std::size_t> head_{0}, tail_{0};
};

}  // namespace loopscope
