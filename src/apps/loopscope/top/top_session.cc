#include "apps/loopscope/top/top_session.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "apps/loopscope/exit_code.h"
#include "base/unique_fd.h"
#include "log/logging.h"

namespace loopscope {
namespace {

/// As many stalls as are kept, so that the last one of a calm loop is among them.
constexpr std::size_t kStallsLookedAt = 1000;

/// Whole milliseconds until `due`, not too few: waking early would mean another turn.
int poll_timeout(Nanos now, Nanos due) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(std::max(due - now, Nanos(0)));
  return static_cast<int>(left.count());
}

}  // namespace

TopSession::TopSession(SnapshotProvider& provider, const Clock& clock, TopDisplay& display,
                       const TopOptions& options)
    : provider_(provider), clock_(clock), display_(display), options_(options) {}

int TopSession::run(const sigset_t& signals, std::optional<StartedProgram>& child) {
  const UniqueFd signal_fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signal_fd.valid()) {
    print_error("cannot wait for signals");
    return kRuntimeFailure;
  }
  std::array<pollfd, 2> waits{{{.fd = signal_fd.get(), .events = POLLIN, .revents = 0},
                               {.fd = display_.input(), .events = POLLIN, .revents = 0}}};
  Nanos due = clock_.now() + options_.interval;
  for (;;) {
    if (const auto code = take_signals(signal_fd.get(), child)) return *code;
    if (clock_.now() >= due) {
      if (!take_interval()) return 0;
      // A look that came late does not make the next ones come in a burst.
      due = std::max(due + options_.interval, clock_.now());
    }
    if (::poll(waits.data(), waits.size(), poll_timeout(clock_.now(), due)) <= 0) continue;
    if ((waits[1].revents & POLLIN) != 0 && !display_.keys()) return 0;
    if ((waits[1].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) return 0;  // no terminal left
  }
}

std::optional<int> TopSession::take_signals(int signal_fd, std::optional<StartedProgram>& child) {
  signalfd_siginfo signal{};
  while (::read(signal_fd, &signal, sizeof signal) == sizeof signal) {
    switch (static_cast<int>(signal.ssi_signo)) {
      case SIGWINCH:
        display_.resized();
        break;
      case SIGTSTP:
        display_.suspend();
        break;
      case SIGCHLD:  // looked at below
      case SIGPIPE:  // the write that caused it has failed, too
        break;
      default:
        if (child && signal.ssi_signo == SIGINT && signal.ssi_code == SI_KERNEL) {
          child->was_interrupted();
        }
        return 0;
    }
  }
  if (!child) return std::nullopt;
  child->reap();
  if (!child->has_finished()) return std::nullopt;
  return *child->exit_status() == 0 ? 0 : 1;
}

bool TopSession::take_interval() {
  auto rows = rows_.update(provider_.snapshot(), provider_.stalls(kStallsLookedAt), clock_.now());
  if (!display_.show(std::move(rows), clock_.wall_now())) return false;
  return !options_.count || ++shown_ < *options_.count;
}

}  // namespace loopscope
