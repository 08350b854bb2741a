#include "apps/loopscope/supervisor.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <new>
#include <system_error>

#include "apps/loopscope/exit_code.h"
#include "base/duration.h"

namespace loopscope {
namespace {

/// The format to log in, in memory that a supervisor shares with its child, as only the child
/// reads the configuration file. Null: nobody supervises.
std::atomic<LogFormat>* shared_format = nullptr;

sigset_t supervised_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&set, signal);
  return set;
}

std::string utc_now() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  std::tm parts{};
  gmtime_r(&now.tv_sec, &parts);
  std::array<char, 32> seconds{};
  std::array<char, 8> rest{};
  std::strftime(seconds.data(), seconds.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(rest.data(), rest.size(), ".%03dZ", static_cast<int>(now.tv_nsec / 1'000'000));
  return std::string(seconds.data()) + rest.data();
}

timespec timespec_of(Nanos time) {
  return {.tv_sec = time / std::chrono::seconds(1),
          .tv_nsec = static_cast<long>((time % std::chrono::seconds(1)).count())};
}

}  // namespace

std::optional<LogFormat> Supervisor::wanted(std::span<const char* const> arguments) {
  if (arguments.size() < 2 || std::string_view(arguments[1]) != "run") return std::nullopt;
  bool is_wanted = false;
  LogFormat format = LogFormat::kText;
  std::string_view before;
  for (const std::string_view word : arguments.subspan(2)) {
    if (word == "--") return std::nullopt;  // whose program ends with us: refused later
    if (word == "--supervise") is_wanted = true;
    if (word == "--log-format=json" || (before == "--log-format" && word == "json")) {
      format = LogFormat::kJson;
    }
    before = word;
  }
  return is_wanted ? std::optional(format) : std::nullopt;
}

Supervisor::Supervisor(LogFormat format) {
  using Shared = std::atomic<LogFormat>;
  static Shared own{format};  // does as well, but learns nothing from the child
  void* page =
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  shared_format = page == MAP_FAILED ? &own : new (page) Shared(format);
}

std::optional<int> Supervisor::run() {
  const sigset_t signals = supervised_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGCHLD, SIG_DFL);  // ignored, it would keep us from being told how the child ends
  const SystemClock clock;
  for (;;) {
    const Nanos begin = clock.now();
    const std::optional<pid_t> child = start();
    if (!child) return std::nullopt;
    std::string ending;
    if (*child > 0) {
      const End end = wait_for_end(*child);
      if (ending_ || end.code() == kOk) return end.code();
      ending = end.text();
    } else {
      ending = "could not be started: " + std::generic_category().message(errno);
    }
    const Nanos wait = delay_.after(clock.now() - begin);
    log("supervise: loopscope " + ending + "; it is started again in " + format_duration(wait));
    if (is_told_to_end_within(wait)) return kOk;
  }
}

std::optional<pid_t> Supervisor::start() {
  const pid_t supervisor = ::getpid();
  const pid_t child = ::fork();
  if (child != 0) return child;
  // It stays, as nothing is executed here and raising capabilities that are permitted keeps it.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != supervisor) ::_exit(kRuntimeFailure);  // it has died before
  return std::nullopt;
}

Supervisor::End Supervisor::wait_for_end(pid_t child) {
  const sigset_t signals = supervised_signals();
  for (;;) {
    // SIGCHLD of before is still pending; so nothing is missed between the two.
    if (const auto end = reap(child)) return *end;
    siginfo_t info{};
    const int signal = sigwaitinfo(&signals, &info);
    if (signal == SIGINT || signal == SIGTERM) ending_ = true;
    if (signal != SIGINT && signal != SIGTERM && signal != SIGHUP) continue;
    // Ctrl-C at a terminal reaches all of the process group by itself.
    if (info.si_code != SI_KERNEL) ::kill(child, signal);
  }
}

bool Supervisor::is_told_to_end_within(Nanos wait) const {
  const sigset_t signals = supervised_signals();
  const SystemClock clock;
  const Nanos end = clock.now() + wait;
  for (Nanos now = clock.now(); now < end; now = clock.now()) {
    const timespec rest = timespec_of(end - now);
    const int signal = sigtimedwait(&signals, nullptr, &rest);
    if (signal == SIGINT || signal == SIGTERM) return true;
    if (signal == SIGCHLD) (void)reap(0);  // an orphan, where this is pid 1
  }
  return false;
}

/// Also of all else that has ended: orphans come to pid 1. Elsewhere there is nothing else.
std::optional<Supervisor::End> Supervisor::reap(pid_t child) const {
  std::optional<End> end;
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid == child) end = End{status};
  }
  return end;
}

int Supervisor::End::code() const {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string Supervisor::End::text() const {
  if (WIFEXITED(status)) return "ended with exit code " + std::to_string(WEXITSTATUS(status));
  const int signal = WTERMSIG(status);
  const char* name = sigabbrev_np(signal);
  return "was ended by signal " + std::to_string(signal) +
         (name == nullptr ? "" : std::string(" (SIG") + name + ")");
}

/// A line as those of the child's log. The text is ours and needs no escaping.
void Supervisor::log(const std::string& message) const {
  const std::string line =
      shared_format->load() == LogFormat::kJson
          ? R"({"time":")" + utc_now() + R"(","level":"warning","message":")" + message + "\"}\n"
          : utc_now() + " warning " + message + "\n";
  // Nobody waits for who reads the log: a pipe that is full costs the line.
  pollfd out{STDERR_FILENO, POLLOUT, 0};
  if (::poll(&out, 1, 0) != 1) return;
  (void)!::write(STDERR_FILENO, line.data(), line.size());
}

void tell_supervisor(LogFormat format) {
  if (shared_format != nullptr) shared_format->store(format);
}

}  // namespace loopscope
