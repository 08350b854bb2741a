#include "apps/server/cluster_supervisor.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <string_view>
#include <utility>

namespace loopscope::server {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstBackoff{100};
constexpr milliseconds kLongestBackoff{10'000};
/// A worker that ran this long starts with the first back-off again.
constexpr std::uint64_t kHealthyNs = 10'000'000'000;
constexpr std::size_t kMaxLineBytes = 256;

}  // namespace

/// One place in the cluster and the process that fills it now.
class ClusterSupervisor::Worker {
 public:
  Worker(ClusterSupervisor& owner, uv_loop_t* loop, int listen_fd, unsigned index)
      : owner_(owner), loop_(loop), listen_fd_(listen_fd), index_(index) {
    uv_timer_init(loop, &timer_);
    timer_.data = this;
  }

  unsigned index() const { return index_; }
  const std::optional<ListenAddress>& metrics() const { return metrics_; }
  bool ended() const { return stopping_ && !child_ && timer_closed_; }

  void start() {
    control_ = std::make_unique<Control>();
    uv_pipe_init(loop_, &control_->pipe, 0);
    control_->pipe.data = this;
    std::vector<uv_stdio_container_t> stdio(4);
    stdio[0].flags =
        static_cast<uv_stdio_flags>(UV_CREATE_PIPE | UV_READABLE_PIPE | UV_WRITABLE_PIPE);
    stdio[0].data.stream = reinterpret_cast<uv_stream_t*>(&control_->pipe);
    stdio[1].flags = stdio[2].flags = stdio[3].flags = UV_INHERIT_FD;
    stdio[1].data.fd = 1;
    stdio[2].data.fd = 2;
    stdio[3].data.fd = listen_fd_;
    started_ns_ = uv_hrtime();
    line_.clear();
    child_ = std::make_unique<ChildProcess>();
    child_->start(loop_, {"--worker", std::to_string(index_)}, std::move(stdio),
                  [this](const ChildExit& exit) { on_exit(exit); });
    uv_read_start(
        reinterpret_cast<uv_stream_t*>(&control_->pipe),
        [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
          auto& input = static_cast<Worker*>(handle->data)->input_;
          *buffer = uv_buf_init(input.data(), static_cast<unsigned>(input.size()));
        },
        [](uv_stream_t* stream, ssize_t length, const uv_buf_t*) {
          static_cast<Worker*>(stream->data)->on_read(length);
        });
  }

  void stop(milliseconds grace) {
    if (stopping_) return;
    stopping_ = true;
    close_control();
    if (!child_) return close_timer();
    uv_timer_start(
        &timer_, [](uv_timer_t* timer) { static_cast<Worker*>(timer->data)->kill(); },
        static_cast<std::uint64_t>(grace.count()), 0);
  }

  void kill() {
    if (child_) child_->kill(SIGKILL);
  }

 private:
  struct Control {
    uv_pipe_t pipe{};
  };

  /// The worker says where its metrics are: "metrics HOST:PORT\n".
  void on_read(ssize_t length) {
    if (length < 0) {
      uv_read_stop(reinterpret_cast<uv_stream_t*>(&control_->pipe));
      return;
    }
    line_.append(input_.data(), static_cast<std::size_t>(length));
    const std::size_t end = line_.find('\n');
    constexpr std::string_view kKey = "metrics ";
    if (end != std::string::npos && line_.starts_with(kKey)) {
      const std::string_view address = std::string_view(line_).substr(0, end).substr(kKey.size());
      if (const auto parsed = parse_listen_address(address)) metrics_ = *parsed;
      line_.clear();
    }
    if (line_.size() > kMaxLineBytes) line_.clear();
  }

  void on_exit(const ChildExit& exit) {
    child_.reset();
    metrics_.reset();
    close_control();
    if (stopping_) return close_timer();
    if (uv_hrtime() - started_ns_ >= kHealthyNs) backoff_ = kFirstBackoff;
    owner_.log_("worker " + std::to_string(index_) + " " + exit.to_string() + "; restart in " +
                std::to_string(backoff_.count()) + " ms");
    uv_timer_start(
        &timer_, [](uv_timer_t* timer) { static_cast<Worker*>(timer->data)->start(); },
        static_cast<std::uint64_t>(backoff_.count()), 0);
    backoff_ = std::min(backoff_ * 2, kLongestBackoff);
  }

  void close_control() {
    if (!control_) return;
    auto* control = control_.release();
    control->pipe.data = control;
    uv_close(reinterpret_cast<uv_handle_t*>(&control->pipe),
             [](uv_handle_t* handle) { delete static_cast<Control*>(handle->data); });
  }

  void close_timer() {
    uv_close(reinterpret_cast<uv_handle_t*>(&timer_), [](uv_handle_t* handle) {
      auto* self = static_cast<Worker*>(handle->data);
      self->timer_closed_ = true;
      self->owner_.on_worker_ended();
    });
  }

  ClusterSupervisor& owner_;
  uv_loop_t* loop_;
  int listen_fd_;
  unsigned index_;
  uv_timer_t timer_{};
  std::unique_ptr<Control> control_;
  std::unique_ptr<ChildProcess> child_;
  std::array<char, 512> input_{};
  std::string line_;
  std::optional<ListenAddress> metrics_;
  std::uint64_t started_ns_ = 0;
  milliseconds backoff_ = kFirstBackoff;
  bool stopping_ = false;
  bool timer_closed_ = false;
};

ClusterSupervisor::ClusterSupervisor(uv_loop_t* loop, int listen_fd, unsigned workers, Log log)
    : log_(std::move(log)) {
  for (unsigned i = 1; i <= workers; ++i) {
    workers_.push_back(std::make_unique<Worker>(*this, loop, listen_fd, i));
  }
}

ClusterSupervisor::~ClusterSupervisor() = default;

void ClusterSupervisor::start() {
  for (const auto& worker : workers_) worker->start();
}

std::vector<ClusterSupervisor::WorkerView> ClusterSupervisor::workers() const {
  std::vector<WorkerView> views;
  for (const auto& worker : workers_) views.push_back({worker->index(), worker->metrics()});
  return views;
}

void ClusterSupervisor::stop(milliseconds grace, std::function<void()> on_ended) {
  on_ended_ = std::move(on_ended);
  for (const auto& worker : workers_) worker->stop(grace);
}

void ClusterSupervisor::kill_all() {
  for (const auto& worker : workers_) worker->kill();
}

void ClusterSupervisor::on_worker_ended() {
  const bool all = std::all_of(workers_.begin(), workers_.end(),
                               [](const auto& worker) { return worker->ended(); });
  if (all && on_ended_) std::exchange(on_ended_, nullptr)();
}

}  // namespace loopscope::server
