#include "loopscope/loop_monitor.h"

#include <unistd.h>

#include <utility>

#include "culprit/stack_capturer.h"
#include "embed/loop_recorder.h"

namespace loopscope {

class LoopMonitor::Impl {
 public:
  Impl(uv_loop_t* loop, const LoopMonitorOptions& options)
      : recorder(loop, options, options.stacks ? listener_factory() : nullptr) {}
  ~Impl() {
    recorder.detach();
    capturer_.reset();  // it writes to the recorder's log until it has stopped
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

 private:
  /// Has stalls looked into from outside the loop's thread, as the exporter does. A process
  /// cannot stop its own threads, so there is no way but perf events and /proc.
  LoopRecorder::ListenerFactory listener_factory() {
    return [this](StallLog& log, const LoopLabels& labels) -> std::unique_ptr<StallListener> {
      const auto process = identify(::getpid());
      if (!process) return log.listener(labels);
      StackCapturer::Options options;
      options.ways.ptrace = false;
      capturer_ = std::make_unique<StackCapturer>(clock_, log, options);
      capturer_->start();
      return capturer_->listener(
          {.labels = labels, .process = *process, .tid = ::gettid(), .runtime_version = {}});
    };
  }

  const SystemClock clock_;
  std::unique_ptr<StackCapturer> capturer_;

 public:
  LoopRecorder recorder;
};

LoopMonitor::LoopMonitor(uv_loop_t* loop, const LoopMonitorOptions& options)
    : impl_(std::make_unique<Impl>(loop, options)) {}

LoopMonitor::~LoopMonitor() = default;

void LoopMonitor::detach() { impl_->recorder.detach(); }

std::chrono::nanoseconds LoopMonitor::blocked() const { return impl_->recorder.blocked(); }

Phase LoopMonitor::phase() const { return impl_->recorder.phase(); }

std::vector<StallRecord> LoopMonitor::stalls(std::size_t limit) const {
  return impl_->recorder.stalls(limit);
}

SnapshotProvider& LoopMonitor::snapshots() const { return impl_->recorder; }

}  // namespace loopscope
