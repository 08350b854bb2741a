#pragma once

#include <gtest/gtest.h>
#include <uv.h>

#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace loopscope {

/// A real loop; handles made by it live as long as it does.
class TestLoop {
 public:
  TestLoop() { uv_loop_init(&loop_); }
  ~TestLoop() {
    uv_walk(
        &loop_,
        [](uv_handle_t* handle, void*) {
          if (uv_is_closing(handle) == 0) uv_close(handle, nullptr);
        },
        nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);
    EXPECT_EQ(uv_loop_close(&loop_), 0);
  }
  TestLoop(const TestLoop&) = delete;
  TestLoop& operator=(const TestLoop&) = delete;

  uv_loop_t* get() { return &loop_; }
  int run(uv_run_mode mode = UV_RUN_DEFAULT) { return uv_run(&loop_, mode); }

  /// Calls `task` on the timers phase after `delay`.
  void after(std::chrono::milliseconds delay, std::function<void()> task) {
    auto& entry = add(std::move(task));
    uv_timer_init(&loop_, &entry.handle.timer);
    entry.handle.any.data = &entry;
    // Timers count from the loop's last look at the clock. One that is due when uv_run() begins
    // runs before the loop's first turn, which is before a monitor sees anything.
    uv_update_time(&loop_);
    uv_timer_start(
        &entry.handle.timer, [](uv_timer_t* h) { fire(h); },
        static_cast<std::uint64_t>(delay.count()), 0);
  }
  /// The next functions call `task` once in the phase they name.
  void in_poll(std::function<void()> task) {
    auto& entry = add(std::move(task));
    uv_async_init(&loop_, &entry.handle.async, [](uv_async_t* h) { fire(h); });
    entry.handle.any.data = &entry;
    uv_async_send(&entry.handle.async);
  }
  void in_check(std::function<void()> task) {
    auto& entry = add(std::move(task));
    uv_check_init(&loop_, &entry.handle.check);
    entry.handle.any.data = &entry;
    uv_check_start(&entry.handle.check, [](uv_check_t* h) { fire(h); });
  }
  void in_prepare(std::function<void()> task) {
    auto& entry = add(std::move(task));
    uv_prepare_init(&loop_, &entry.handle.prepare);
    entry.handle.any.data = &entry;
    uv_prepare_start(&entry.handle.prepare, [](uv_prepare_t* h) { fire(h); });
  }
  void in_idle(std::function<void()> task) {
    auto& entry = add(std::move(task));
    uv_idle_init(&loop_, &entry.handle.idle);
    entry.handle.any.data = &entry;
    uv_idle_start(&entry.handle.idle, [](uv_idle_t* h) { fire(h); });
  }
  void in_closing(std::function<void()> task) {
    auto& entry = add(std::move(task));
    uv_timer_init(&loop_, &entry.handle.timer);
    entry.handle.any.data = &entry;
    uv_close(&entry.handle.any, [](uv_handle_t* h) { static_cast<Entry*>(h->data)->task(); });
  }
  /// From a close callback, so that the next to look at the pending queue is its phase.
  void in_pending(std::function<void()> task) {
    auto& entry = add(std::move(task));
    in_closing([this, &entry] {
      uv_pipe_init(&loop_, &entry.handle.pipe, 0);
      entry.handle.any.data = &entry;
      entry.connect.data = &entry;
      uv_pipe_connect(
          &entry.connect, &entry.handle.pipe, "/proc/self/no-such-socket",
          [](uv_connect_t* c, int) { fire(&static_cast<Entry*>(c->data)->handle.any); });
    });
  }

 private:
  struct Entry {
    std::function<void()> task;
    union {
      uv_handle_t any;
      uv_timer_t timer;
      uv_async_t async;
      uv_check_t check;
      uv_prepare_t prepare;
      uv_idle_t idle;
      uv_pipe_t pipe;
    } handle{};
    uv_connect_t connect{};
  };

  Entry& add(std::function<void()> task) {
    entries_.push_back(std::make_unique<Entry>());
    entries_.back()->task = std::move(task);
    return *entries_.back();
  }

  template <typename Handle>
  static void fire(Handle* handle) {
    auto* entry = static_cast<Entry*>(handle->data);
    entry->task();
    uv_close(&entry->handle.any, nullptr);
  }

  uv_loop_t loop_{};
  std::vector<std::unique_ptr<Entry>> entries_;
};

/// Keeps the thread computing.
inline void spin_for(std::chrono::nanoseconds time) {
  const auto until = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < until) {
  }
}

}  // namespace loopscope
