#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

namespace loopscope {

/// Path of a fixture's Node ("22", "22-stripped"); absent where it was not fetched.
inline std::optional<std::string> node_fixture(const std::string& name) {
  const char* fixtures = std::getenv("LOOPSCOPE_FIXTURES");  // NOLINT(concurrency-mt-unsafe)
  if (fixtures == nullptr) return std::nullopt;
  std::string path = std::string(fixtures) + "/node/" + name + "/bin/node";
  if (::access(path.c_str(), X_OK) != 0) return std::nullopt;
  return path;
}

/// A Node that runs a script, killed and reaped with this object. Its standard output comes
/// by read_line().
class NodeProcess {
 public:
  NodeProcess(const std::string& node, const std::vector<std::string>& arguments) {
    int out[2] = {-1, -1};
    if (::pipe2(out, O_CLOEXEC) != 0) return;
    std::vector<std::string> words{node};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const int parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) ::_exit(9);
      ::dup2(out[1], STDOUT_FILENO);
      ::execv(node.c_str(), argv.data());
      ::_exit(9);
    }
    ::close(out[1]);
    out_ = out[0];
  }
  NodeProcess(const NodeProcess&) = delete;
  NodeProcess& operator=(const NodeProcess&) = delete;
  ~NodeProcess() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    ::close(out_);
  }

  int pid() const { return pid_; }
  /// Empty: it has ended.
  std::string read_line() const {
    std::string line;
    for (char c = 0; ::read(out_, &c, 1) == 1 && c != '\n';) line += c;
    return line;
  }

 private:
  int pid_ = -1;
  int out_ = -1;
};

}  // namespace loopscope
