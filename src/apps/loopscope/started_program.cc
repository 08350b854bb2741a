#include "apps/loopscope/started_program.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <system_error>

#include "apps/loopscope/tree_ending.h"
#include "base/clock.h"
#include "base/guarded.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

/// How often is looked whether all have ended; most ends are told by SIGCHLD.
constexpr timespec kPoll{.tv_sec = 0, .tv_nsec = 50'000'000};
/// Two signals closer than this are one wish (timeout(1) sends one to us and one to our group).
constexpr Nanos kOneWish = 1s;

/// Attributes of posix_spawn: the child starts with no blocked signals. What this program was
/// started to ignore (nohup) the child ignores as well; handlers end with the exec.
class SpawnAttributes {
 public:
  SpawnAttributes() {
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK);
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
  explicit SpawnStreams(StartedProgram::Streams streams) {
    posix_spawn_file_actions_init(&actions_);
    if (streams == StartedProgram::Streams::kOutputToStderr) {
      posix_spawn_file_actions_adddup2(&actions_, STDERR_FILENO, STDOUT_FILENO);
    }
    if (streams != StartedProgram::Streams::kNone) return;
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

Result<StartedProgram> StartedProgram::start(const std::vector<std::string>& command,
                                             Streams streams) {
  std::vector<std::string> words = command;
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  // Ignored, it would keep us from being told how children end.
  std::signal(SIGCHLD, SIG_DFL);
  ProcessTree tree = ProcessTree::take_over();
  const SpawnAttributes attributes;
  const SpawnStreams files(streams);
  pid_t pid = 0;
  const int error =
      posix_spawnp(&pid, argv[0], files.get(), attributes.get(), argv.data(), environ);
  if (error != 0) {
    return Error{"cannot run " + command[0] + ": " + std::generic_category().message(error)};
  }
  return StartedProgram(pid, std::move(tree));
}

StartedProgram::~StartedProgram() {
  if (pid_ == 0) return;
  run_guarded("end of the program", [this] { end([](const std::string&) {}); });
}

int StartedProgram::root() const {
  // Orphans are found below ourselves, unless others are there, too.
  return tree_.holds_all_orphans() ? ::getpid() : pid_;
}

void StartedProgram::reap() {
  int status = 0;
  for (int pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid != pid_ || (!WIFEXITED(status) && !WIFSIGNALED(status))) {
      continue;  // an orphan, or one that is stopped for a look
    }
    status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
}

bool StartedProgram::has_finished() const { return status_ && tree_.is_empty(); }

std::string StartedProgram::living_names() const {
  constexpr std::size_t kNamed = 5;
  const std::vector<ProcessTree::Member> living = tree_.living();
  std::string names;
  for (std::size_t i = 0; i < living.size() && i < kNamed; ++i) {
    names +=
        (i == 0 ? "" : ", ") + living[i].name + " (pid " + std::to_string(living[i].id.pid) + ")";
  }
  if (living.size() > kNamed) names += " and " + std::to_string(living.size() - kNamed) + " more";
  return names;
}

void StartedProgram::end(const std::function<void(const std::string&)>& warn) {
  using AskedBy = TreeEnding::AskedBy;
  sigset_t awaited;
  sigemptyset(&awaited);
  for (const int signal : {SIGCHLD, SIGINT, SIGTERM}) sigaddset(&awaited, signal);
  const SystemClock clock;
  const Nanos begin = clock.now();
  TreeEnding ending(tree_, interrupted_ ? AskedBy::kTerminal : AskedBy::kUs, begin);
  Nanos asked_at = begin;
  for (reap(); ending.step(clock.now()); reap()) {
    const int signal = ::sigtimedwait(&awaited, nullptr, &kPoll);
    const Nanos now = clock.now();
    if ((signal == SIGINT || signal == SIGTERM) && now - asked_at >= kOneWish) {
      ending.hurry(now);
      asked_at = now;
    }
  }
  for (const ProcessTree::Member& process : ending.killed()) {
    warn(process.name + " (pid " + std::to_string(process.id.pid) +
         ") did not end when asked to; killed");
  }
}

}  // namespace loopscope
