// What LoopMonitor costs a loop per turn: the same loops with and without it.
//
//   loop_monitor_bench --benchmark_repetitions=5 --benchmark_enable_random_interleaving=true

#include <benchmark/benchmark.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <uv.h>

#include <memory>
#include <optional>

#include "loopscope/loop_monitor.h"

namespace {

/// A loop that turns once per iteration of the benchmark.
class TurningLoop {
 public:
  TurningLoop(benchmark::State& state, bool monitored) : state_(state) {
    uv_loop_init(&loop_);
    loop_.data = this;
    if (monitored) monitor_.emplace(&loop_, loopscope::LoopMonitorOptions{.process = "bench"});
  }
  ~TurningLoop() {
    monitor_.reset();
    uv_loop_close(&loop_);
  }
  TurningLoop(const TurningLoop&) = delete;
  TurningLoop& operator=(const TurningLoop&) = delete;

  /// An idle handle: nothing but libuv's own turn, and no system call.
  void turn_by_idle() {
    uv_idle_init(&loop_, &handle_.idle);
    uv_idle_start(&handle_.idle, [](uv_idle_t* h) { of(h).turned(); });
    uv_run(&loop_, UV_RUN_DEFAULT);
  }

  /// I/O that is ready at every poll: a loop under load.
  void turn_by_io() {
    const int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
    uv_poll_init(&loop_, &handle_.poll, fd);
    uv_poll_start(&handle_.poll, UV_READABLE, [](uv_poll_t* h, int, int) { of(h).turned(); });
    uv_run(&loop_, UV_RUN_DEFAULT);
    close(fd);
  }

  /// A timer that is due at once: every turn runs timers.
  void turn_by_timer() {
    uv_timer_init(&loop_, &handle_.timer);
    uv_prepare_init(&loop_, &rearm_);
    uv_prepare_start(&rearm_, [](uv_prepare_t* h) {
      TurningLoop& self = of(h);
      if (!self.done_) uv_timer_start(&self.handle_.timer, on_timer, 0, 0);
    });
    uv_timer_start(&handle_.timer, on_timer, 0, 0);
    uv_run(&loop_, UV_RUN_DEFAULT);
  }

 private:
  template <typename Handle>
  static TurningLoop& of(Handle* handle) {
    return *static_cast<TurningLoop*>(handle->loop->data);
  }
  static void on_timer(uv_timer_t* timer) { of(timer).turned(); }

  void turned() {
    if (state_.KeepRunning()) return;
    done_ = true;
    uv_close(&handle_.any, nullptr);
    auto* rearm = reinterpret_cast<uv_handle_t*>(&rearm_);
    if (rearm->loop != nullptr) uv_close(rearm, nullptr);
  }

  benchmark::State& state_;
  uv_loop_t loop_{};
  std::optional<loopscope::LoopMonitor> monitor_;
  union {
    uv_handle_t any;
    uv_idle_t idle;
    uv_poll_t poll;
    uv_timer_t timer;
  } handle_{};
  uv_prepare_t rearm_{};
  bool done_ = false;
};

void by_idle(benchmark::State& state, bool monitored) {
  TurningLoop(state, monitored).turn_by_idle();
}
void by_io(benchmark::State& state, bool monitored) { TurningLoop(state, monitored).turn_by_io(); }
void by_timer(benchmark::State& state, bool monitored) {
  TurningLoop(state, monitored).turn_by_timer();
}

/// Two loops on two threads wake each other: every turn waits, so that libuv's first poll
/// without waiting (UV_METRICS_IDLE_TIME) is in the difference too. CPU time of both.
class PingPong {
 public:
  PingPong(benchmark::State& state, bool monitored) : state_(state) {
    for (Side& side : sides_) {
      uv_loop_init(&side.loop);
      side.owner = this;
      side.loop.data = &side;
      uv_async_init(&side.loop, &side.async, [](uv_async_t* h) {
        auto* self = static_cast<Side*>(h->loop->data);
        self->owner->on_ball(*self);
      });
      if (monitored) side.monitor.emplace(&side.loop, loopscope::LoopMonitorOptions{});
    }
  }
  ~PingPong() {
    for (Side& side : sides_) {
      side.monitor.reset();
      uv_loop_close(&side.loop);
    }
  }
  PingPong(const PingPong&) = delete;
  PingPong& operator=(const PingPong&) = delete;

  void run() {
    uv_thread_t other;
    uv_thread_create(
        &other, [](void* loop) { uv_run(static_cast<uv_loop_t*>(loop), UV_RUN_DEFAULT); },
        &sides_[1].loop);
    uv_async_send(&sides_[0].async);
    uv_run(&sides_[0].loop, UV_RUN_DEFAULT);
    uv_thread_join(&other);
  }

 private:
  struct Side {
    uv_loop_t loop{};
    uv_async_t async{};
    PingPong* owner = nullptr;
    std::optional<loopscope::LoopMonitor> monitor;
  };

  void on_ball(Side& side) {
    if (&side == &sides_[0] && !state_.KeepRunning()) ending_ = true;
    Side& other = &side == &sides_[0] ? sides_[1] : sides_[0];
    const bool last = ending_ && &side == &sides_[1];
    if (!last) uv_async_send(&other.async);
    if (ending_) uv_close(reinterpret_cast<uv_handle_t*>(&side.async), nullptr);
  }

  benchmark::State& state_;
  Side sides_[2];
  bool ending_ = false;  ///< handed over with the ball
};

void by_waiting(benchmark::State& state, bool monitored) { PingPong(state, monitored).run(); }

void snapshot(benchmark::State& state) {
  uv_loop_t loop;
  uv_loop_init(&loop);
  {
    loopscope::LoopMonitor monitor(&loop);
    for (auto _ : state) benchmark::DoNotOptimize(monitor.blocked());
  }
  uv_loop_close(&loop);
}

BENCHMARK_CAPTURE(by_idle, without, false);
BENCHMARK_CAPTURE(by_idle, with, true);
BENCHMARK_CAPTURE(by_io, without, false);
BENCHMARK_CAPTURE(by_io, with, true);
BENCHMARK_CAPTURE(by_timer, without, false);
BENCHMARK_CAPTURE(by_timer, with, true);
BENCHMARK_CAPTURE(by_waiting, without, false)->MeasureProcessCPUTime();
BENCHMARK_CAPTURE(by_waiting, with, true)->MeasureProcessCPUTime();
BENCHMARK(snapshot);

}  // namespace

BENCHMARK_MAIN();
