#include "log/line_writer.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string_view>
#include <utility>

#include "base/guarded.h"

namespace loopscope {
namespace {

/// Waits as long as it takes; gives up where there is nobody to read it.
void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd writable{.fd = fd, .events = POLLOUT, .revents = 0};
      ::poll(&writable, 1, -1);
    } else if (errno != EINTR) {
      return;
    }
  }
}

}  // namespace

struct LineWriter::State {
  State(int to, LeftOutLine line) : fd(to), left_out_line(std::move(line)) {}

  void run();
  bool idle() const { return lines.empty() && untold == 0 && !writing; }

  const int fd;
  const LeftOutLine left_out_line;

  mutable std::mutex mutex;  ///< guards what follows; never held while something is written
  std::condition_variable changed;
  std::deque<std::string> lines;
  std::size_t bytes = 0;       ///< of `lines` and what is being written of them
  std::uint64_t left_out = 0;  ///< since the start
  std::uint64_t untold = 0;    ///< of these, not yet told of
  bool writing = false;
  bool stopping = false;
};

void LineWriter::State::run() {
  std::unique_lock lock(mutex);
  for (;;) {
    changed.wait(lock, [this] { return stopping || !lines.empty() || untold > 0; });
    if (lines.empty() && untold == 0) return;
    writing = true;
    // Whoever is left out comes after all that is queued.
    const std::deque<std::string> batch = std::exchange(lines, {});
    const std::uint64_t missing = std::exchange(untold, 0);
    lock.unlock();
    std::size_t written = 0;
    for (const std::string& line : batch) {
      write_all(fd, line);
      written += line.size();
    }
    if (missing > 0) {
      run_guarded("log", [&] { write_all(fd, left_out_line(missing)); });
    }
    lock.lock();
    bytes -= written;
    writing = false;
    changed.notify_all();
  }
}

LineWriter::LineWriter(int fd, LeftOutLine left_out_line)
    : state_(std::make_shared<State>(fd, std::move(left_out_line))) {
  auto thread = start_thread("log", [state = state_] { state->run(); });
  if (thread) thread_ = std::move(*thread);
}

LineWriter::~LineWriter() {
  if (!thread_.joinable()) return;
  const bool written = flush(kLastPatience);
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->changed.notify_all();
  if (written) {
    thread_.join();
  } else {
    thread_.detach();  // it may hang in a write() for ever
  }
}

void LineWriter::write(std::string line) {
  if (!thread_.joinable()) return write_all(state_->fd, line);  // no thread was to be had
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->bytes + line.size() > kMaxQueuedBytes) {
      ++state_->left_out;
      ++state_->untold;
    } else {
      state_->bytes += line.size();
      state_->lines.push_back(std::move(line));
    }
  }
  state_->changed.notify_all();
}

bool LineWriter::flush(Nanos patience) {
  if (!thread_.joinable()) return true;
  std::unique_lock lock(state_->mutex);
  return state_->changed.wait_for(lock, patience, [this] { return state_->idle(); });
}

std::uint64_t LineWriter::left_out() const {
  const std::lock_guard lock(state_->mutex);
  return state_->left_out;
}

}  // namespace loopscope
