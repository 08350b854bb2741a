#pragma once

#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

// Looks at fields of libuv's structures that uv.h declares (they are part of the
// ABI of libuv 1.x) but has no functions for. Reads only, except take_off_walk_list().

static_assert(UV_VERSION_MAJOR == 1 && UV_VERSION_HEX >= 0x012c00, "libuv 1.44 or newer");

namespace loopscope::uv_fields {

/// First pointer of a queue node: its successor. A node is void*[2] up to libuv 1.45 and
/// struct {next, prev} after it.
template <typename Node>
const void* next(const Node& node) {
  const void* pointers[2];
  static_assert(sizeof(node) == sizeof(pointers));
  std::memcpy(static_cast<void*>(pointers), &node, sizeof(pointers));
  return pointers[0];
}

template <typename Node>
const void* previous(const Node& node) {
  const void* pointers[2];
  static_assert(sizeof(node) == sizeof(pointers));
  std::memcpy(static_cast<void*>(pointers), &node, sizeof(pointers));
  return pointers[1];
}

template <typename Node>
bool empty(const Node& head) {
  return next(head) == &head;
}

/// True if `node` is alone with its list head.
template <typename Node>
bool only_one_left(const Node& node) {
  return next(node) == previous(node);
}

/// Due time of the earliest timer on the loop's millisecond clock; UINT64_MAX: no timer.
/// Loop thread only.
template <typename Timer = uv_timer_t>
std::uint64_t earliest_timer_ms(const uv_loop_t& loop) {
  const auto* heap_node = static_cast<const char*>(loop.timer_heap.min);
  if (heap_node == nullptr) return UINT64_MAX;
  std::size_t offset = 0;
  if constexpr (requires(Timer timer) { timer.heap_node; }) {
    offset = offsetof(Timer, heap_node);
  } else {
    offset = offsetof(Timer, node);
  }
  std::uint64_t timeout = 0;
  std::memcpy(&timeout, heap_node - offset + offsetof(Timer, timeout), sizeof(timeout));
  return timeout;
}

/// Takes a handle off the list uv_walk() and uv_loop_close() go through, so that programs
/// that close "every handle" do not close it behind its owner's back. Such a handle must
/// only be stopped, never closed.
template <typename Handle>
void take_off_walk_list(Handle& handle) {
  void* pointers[2];
  static_assert(sizeof(handle.handle_queue) == sizeof(pointers));
  std::memcpy(static_cast<void*>(pointers), &handle.handle_queue, sizeof(pointers));
  void* self = &handle.handle_queue;
  std::memcpy(static_cast<void**>(pointers[1]), &pointers[0], sizeof(void*));      // previous.next
  std::memcpy(static_cast<void**>(pointers[0]) + 1, &pointers[1], sizeof(void*));  // next.previous
  void* alone[2] = {self, self};
  std::memcpy(static_cast<void*>(&handle.handle_queue), alone, sizeof(alone));
}

}  // namespace loopscope::uv_fields
