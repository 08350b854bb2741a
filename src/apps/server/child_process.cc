#include "apps/server/child_process.h"

#include <utility>

namespace loopscope::server {

std::string ChildExit::to_string() const {
  if (!error.empty()) return error;
  if (signal != 0) return "ended by signal " + std::to_string(signal);
  return "ended with exit code " + std::to_string(status);
}

void ChildProcess::start(uv_loop_t* loop, const std::vector<std::string>& arguments,
                         std::vector<uv_stdio_container_t> stdio, OnExit on_exit) {
  std::string program = "loopscope-server";
  std::vector<std::string> copies = arguments;
  std::vector<char*> argv = {program.data()};
  for (std::string& argument : copies) argv.push_back(argument.data());
  argv.push_back(nullptr);

  uv_process_options_t options{};
  options.file = "/proc/self/exe";
  options.args = argv.data();
  options.stdio = stdio.data();
  options.stdio_count = static_cast<int>(stdio.size());
  options.exit_cb = [](uv_process_t* process, std::int64_t status, int signal) {
    auto* self = static_cast<ChildProcess*>(process->data);
    self->exit_ = {status, signal, {}};
    self->close();
  };
  on_exit_ = std::move(on_exit);
  process_.data = this;
  running_ = true;
  if (const int error = uv_spawn(loop, &process_, &options); error != 0) {
    exit_.error = std::string("cannot be started: ") + uv_strerror(error);
    close();
  }
}

void ChildProcess::close() {
  running_ = false;
  uv_close(reinterpret_cast<uv_handle_t*>(&process_), [](uv_handle_t* handle) {
    auto* ended = static_cast<ChildProcess*>(handle->data);
    // on_exit may destroy the object, and the function with it.
    const OnExit on_exit = std::move(ended->on_exit_);
    const ChildExit how = ended->exit_;
    on_exit(how);
  });
}

void ChildProcess::kill(int signal) {
  if (running_) uv_process_kill(&process_, signal);
}

}  // namespace loopscope::server
