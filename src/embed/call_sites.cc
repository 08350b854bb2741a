#include "embed/call_sites.h"

#include <unwind.h>
#include <uv.h>

#include <array>
#include <bit>

namespace loopscope {
namespace {

#ifdef __x86_64__

struct Frame {
  std::uintptr_t function = 0;        ///< where the function begins
  std::uintptr_t return_address = 0;  ///< of the call it is in
  std::uintptr_t stack_pointer = 0;   ///< when that call returns
};

constexpr std::size_t kMaxFrames = 32;

struct Frames {
  std::array<Frame, kMaxFrames> frames;
  std::size_t count = 0;
};

/// The calling thread's stack, innermost frame first.
Frames unwind() {
  Frames result;
  _Unwind_Backtrace(
      [](_Unwind_Context* context, void* data) {
        auto& out = *static_cast<Frames*>(data);
        if (out.count == kMaxFrames) return _URC_END_OF_STACK;
        const std::uintptr_t address = _Unwind_GetIP(context);
        // A return address may be one past the end of its function.
        void* function = _Unwind_FindEnclosingFunction(std::bit_cast<void*>(address - 1));
        out.frames[out.count++] = {reinterpret_cast<std::uintptr_t>(function), address,
                                   _Unwind_GetCFA(context)};
        return _URC_NO_REASON;
      },
      &result);
  return result;
}

std::optional<UvRunCall> find_call(std::uintptr_t uv_run_begin) {
  const Frames stack = unwind();
  for (std::size_t i = 0; i < stack.count; ++i) {
    const Frame& frame = stack.frames[i];
    if (frame.function != uv_run_begin || uv_run_begin == 0) continue;
    const std::uintptr_t word = frame.stack_pointer - sizeof(std::uintptr_t);
    if (*std::bit_cast<const volatile std::uintptr_t*>(word) != frame.return_address) break;
    return UvRunCall{frame.return_address, word};
  }
  return std::nullopt;
}

#else

std::optional<UvRunCall> find_call(std::uintptr_t /*uv_run_begin*/) { return std::nullopt; }

#endif

}  // namespace

/// A loop with a callback in every phase, each of which looks up the call it came from.
class CallSites::TrialRun {
 public:
  explicit TrialRun(CallSites& sites) : sites_(sites) {}

  void run() {
    if (uv_loop_init(&loop_) != 0) return;
    loop_.data = this;
    uv_timer_init(&loop_, &timer_);
    uv_idle_init(&loop_, &idle_);
    uv_prepare_init(&loop_, &prepare_);
    uv_check_init(&loop_, &check_);
    uv_async_init(&loop_, &async_, [](uv_async_t* h) { of(h).on_poll(); });
    uv_idle_start(&idle_, [](uv_idle_t* h) { seen(h, Phase::kIdlePrepare); });
    uv_prepare_start(&prepare_, [](uv_prepare_t* h) { of(h).on_prepare(); });
    uv_check_start(&check_, [](uv_check_t* h) { of(h).on_check(); });
    start_timer();
    uv_run(&loop_, UV_RUN_DEFAULT);
    uv_run(&loop_, UV_RUN_ONCE);  // libuv before 1.45 runs timers in another place then
    uv_walk(
        &loop_,
        [](uv_handle_t* handle, void*) {
          if (uv_is_closing(handle) == 0) uv_close(handle, nullptr);
        },
        nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);
    uv_loop_close(&loop_);
  }

 private:
  static constexpr int kTurns = 3;

  template <typename Handle>
  static TrialRun& of(Handle* handle) {
    return *static_cast<TrialRun*>(handle->loop->data);
  }

  template <typename Handle>
  static void seen(Handle* handle, Phase phase) {
    CallSites& sites = of(handle).sites_;
    if (const auto call = sites.current_call()) sites.learn(call->site, phase);
  }

  void start_timer() {
    uv_timer_start(
        &timer_, [](uv_timer_t* h) { seen(h, Phase::kTimers); }, 0, 0);
  }

  void on_prepare() {
    seen(&prepare_, Phase::kIdlePrepare);
    uv_async_send(&async_);
    start_timer();  // not in its own callback: some versions would run it there and then
  }

  void on_poll() {
    seen(&async_, Phase::kPoll);
    if (turns_ == 0) connect(late_);  // reported right after the poll
  }

  void on_check() {
    seen(&check_, Phase::kCheck);
    if (turns_ == 0) {
      uv_timer_init(&loop_, &closer_);
      uv_close(reinterpret_cast<uv_handle_t*>(&closer_), [](uv_handle_t* h) {
        seen(h, Phase::kClosing);
        of(h).connect(early_of(h));  // reported by the pending phase that follows
      });
      connect_then_cancel();
    }
    if (++turns_ >= kTurns) uv_stop(&loop_);
  }

  struct Connection {
    uv_pipe_t pipe{};
    uv_connect_t request{};
  };
  static Connection& early_of(uv_handle_t* handle) { return of(handle).early_; }

  /// Fails at once; libuv reports that from its pending queue.
  void connect(Connection& connection) {
    uv_pipe_init(&loop_, &connection.pipe, 0);
    uv_pipe_connect(&connection.request, &connection.pipe, "/proc/self/no-such-socket",
                    [](uv_connect_t* request, int) { seen(request->handle, Phase::kPending); });
  }

  /// Requests of a stream that is closed are called back while it is torn down.
  void connect_then_cancel() {
    uv_pipe_init(&loop_, &cancelled_.pipe, 0);
    uv_pipe_connect(&cancelled_.request, &cancelled_.pipe, "/proc/self/no-such-socket",
                    [](uv_connect_t* request, int status) {
                      if (status == UV_ECANCELED) seen(request->handle, Phase::kClosing);
                    });
    uv_close(reinterpret_cast<uv_handle_t*>(&cancelled_.pipe), nullptr);
  }

  CallSites& sites_;
  uv_loop_t loop_{};
  uv_timer_t timer_{}, closer_{};
  uv_idle_t idle_{};
  uv_prepare_t prepare_{};
  uv_check_t check_{};
  uv_async_t async_{};
  Connection early_, late_, cancelled_;
  int turns_ = 0;
};

const CallSites& CallSites::of_linked_libuv() {
  static const CallSites sites = [] {
    CallSites result;
    result.uv_run_begin_ = reinterpret_cast<std::uintptr_t>(&uv_run);
    TrialRun(result).run();
    return result;
  }();
  return sites;
}

void CallSites::learn(std::uintptr_t address, Phase phase) {
  for (Site& site : sites_) {
    if (site.address != address) continue;
    if (site.phase != phase) site.phase = Phase::kUnknown;
    return;
  }
  sites_.push_back({address, phase});
}

Phase CallSites::phase_at(std::uintptr_t address) const {
  for (const Site& site : sites_) {
    if (site.address == address) return site.phase;
  }
  return Phase::kUnknown;
}

std::optional<UvRunCall> CallSites::current_call() const { return find_call(uv_run_begin_); }

}  // namespace loopscope
