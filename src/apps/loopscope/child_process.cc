#include "apps/loopscope/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <thread>

namespace loopscope {
namespace {

using namespace std::chrono_literals;

constexpr Nanos kPoll = 10ms;

/// Attributes of posix_spawn: the child starts with no blocked signals and default
/// handlers, whatever this program has done to its own.
class SpawnAttributes {
 public:
  SpawnAttributes() {
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnAttributes() { posix_spawnattr_destroy(&attributes_); }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

/// What posix_spawn does to the child's descriptors.
class SpawnStreams {
 public:
  explicit SpawnStreams(ChildProcess::Streams streams) {
    posix_spawn_file_actions_init(&actions_);
    if (streams == ChildProcess::Streams::kOutputToStderr) {
      posix_spawn_file_actions_adddup2(&actions_, STDERR_FILENO, STDOUT_FILENO);
    }
    if (streams != ChildProcess::Streams::kNone) return;
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      posix_spawn_file_actions_addopen(&actions_, fd, "/dev/null", O_RDWR, 0);
    }
  }
  ~SpawnStreams() { posix_spawn_file_actions_destroy(&actions_); }
  SpawnStreams(const SpawnStreams&) = delete;
  SpawnStreams& operator=(const SpawnStreams&) = delete;
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

}  // namespace

Result<ChildProcess> ChildProcess::start(const std::vector<std::string>& command, Streams streams) {
  std::vector<std::string> words = command;
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  const SpawnAttributes attributes;
  const SpawnStreams files(streams);
  pid_t pid = 0;
  const int error =
      posix_spawnp(&pid, argv[0], files.get(), attributes.get(), argv.data(), environ);
  if (error != 0) {
    return Error{"cannot run " + command[0] + ": " + std::generic_category().message(error)};
  }
  return ChildProcess(pid);
}

std::optional<int> ChildProcess::exit_status() {
  if (status_) return status_;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  if (!WIFEXITED(status) && !WIFSIGNALED(status)) return std::nullopt;  // stopped for a look
  status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return status_;
}

void ChildProcess::end(Nanos patience) {
  if (exit_status()) return;
  ::kill(pid_, SIGTERM);
  const SystemClock clock;
  for (const Nanos until = clock.now() + patience; clock.now() < until;) {
    if (exit_status()) return;
    std::this_thread::sleep_for(kPoll);
  }
  ::kill(pid_, SIGKILL);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  status_ = 128 + SIGKILL;
}

}  // namespace loopscope
