#include "apps/server/phase_block.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace loopscope::server {
namespace {

/// One block under way: a one-shot handle whose callback blocks. Owns itself until its last
/// handle is closed.
class PhaseBlock {
 public:
  PhaseBlock(uv_loop_t* loop, Phase phase, std::chrono::milliseconds time, BlockMode mode,
             Reply reply)
      : loop_(loop), phase_(phase), time_(time), mode_(mode), reply_(std::move(reply)) {}

  void start() {
    switch (phase_) {
      case Phase::kTimers:
        open(uv_timer_init, handle_.timer);
        uv_timer_start(
            &handle_.timer, [](uv_timer_t* timer) { of(timer).block_and_close(); }, 0, 0);
        break;
      case Phase::kIdlePrepare:
        open(uv_prepare_init, handle_.prepare);
        uv_prepare_start(&handle_.prepare,
                         [](uv_prepare_t* prepare) { of(prepare).block_and_close(); });
        break;
      case Phase::kPoll:
        // An async handle's callback is an I/O callback: it runs when its eventfd is read.
        uv_async_init(loop_, &handle_.async,
                      [](uv_async_t* async) { of(async).block_and_close(); });
        handle_.any.data = this;
        uv_async_send(&handle_.async);
        break;
      case Phase::kCheck:
        open(uv_check_init, handle_.check);
        uv_check_start(&handle_.check, [](uv_check_t* check) { of(check).block_and_close(); });
        break;
      case Phase::kClosing:
        open(uv_timer_init, handle_.timer);
        uv_close(&handle_.any, [](uv_handle_t* handle) {
          PhaseBlock& self = of(handle);
          self.block();
          delete &self;
        });
        break;
      case Phase::kPending:
        start_pending();
        break;
      case Phase::kPollWait:
      case Phase::kUnknown:
        break;
    }
  }

 private:
  template <typename Handle>
  static PhaseBlock& of(Handle* handle) {
    return *static_cast<PhaseBlock*>(handle->data);
  }

  template <typename Init, typename Handle>
  void open(Init init, Handle& handle) {
    init(loop_, &handle);
    handle.data = this;
  }

  /// The error of a unix socket's connect is reported from the pending queue. libuv also
  /// empties that queue right after the poll, so the attempt starts in a close callback:
  /// from there the next to look at the queue is the pending phase.
  void start_pending() {
    open(uv_timer_init, starter_);
    uv_close(reinterpret_cast<uv_handle_t*>(&starter_),
             [](uv_handle_t* handle) { of(handle).connect_and_fail(); });
  }

  void connect_and_fail() {
    uv_pipe_init(loop_, &handle_.pipe, 0);
    handle_.pipe.data = this;
    connect_.data = this;
    uv_pipe_connect(&connect_, &handle_.pipe, "/proc/self/no-such-socket",
                    [](uv_connect_t* connect, int) { of(connect).block_and_close(); });
  }

  void block() {
    const std::uint64_t started_ns = uv_hrtime();
    block_thread(time_, mode_);
    const nlohmann::json body = {{"phase", to_string(phase_)},
                                 {"ms", time_.count()},
                                 {"mode", mode_ == BlockMode::kSpin ? "spin" : "sleep"},
                                 {"started_ns", started_ns},
                                 {"ended_ns", uv_hrtime()}};
    reply_(HttpResponse::json(200, body.dump() + "\n"));
  }

  void block_and_close() {
    block();
    uv_close(&handle_.any, [](uv_handle_t* handle) { delete &of(handle); });
  }

  uv_loop_t* loop_;
  Phase phase_;
  std::chrono::milliseconds time_;
  BlockMode mode_;
  Reply reply_;
  union {
    uv_handle_t any;
    uv_timer_t timer;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_async_t async;
    uv_pipe_t pipe;
  } handle_{};
  uv_timer_t starter_{};
  uv_connect_t connect_{};
};

}  // namespace

bool block_in_phase(uv_loop_t* loop, Phase phase, std::chrono::milliseconds time, BlockMode mode,
                    Reply reply) {
  if (phase == Phase::kPollWait || phase == Phase::kUnknown) return false;
  auto* block = new PhaseBlock(loop, phase, time, mode, std::move(reply));
  block->start();  // deletes itself when its handle is closed
  return true;
}

}  // namespace loopscope::server
