#include "loopscope/loop_monitor.h"

#include "embed/loop_recorder.h"

namespace loopscope {

class LoopMonitor::Impl {
 public:
  Impl(uv_loop_t* loop, const LoopMonitorOptions& options) : recorder(loop, options) {}

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
