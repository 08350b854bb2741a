#include <malloc.h>

#include <cstdio>
#include <exception>
#include <span>
#include <string>
#include <vector>

#include "apps/loopscope/capabilities.h"
#include "apps/loopscope/command_line.h"
#include "apps/loopscope/doctor.h"
#include "apps/loopscope/run_command.h"
#include "apps/loopscope/stack_command.h"
#include "apps/loopscope/supervisor.h"
#include "apps/loopscope/top/top_command.h"
#include "config/config_reader.h"
#include "log/logging.h"

namespace loopscope {
namespace {

int check_config(const std::string& path) {
  const auto config = read_config_file(path);
  if (!config) {
    print_error(config.error().message);
    return 2;
  }
  std::printf("%s: ok\n", path.c_str());
  return 0;
}

int carry_out(const CommandLine& command) {
  switch (command.verb) {
    case CommandLine::Verb::kRun:
      return run_command(command.run);
    case CommandLine::Verb::kTop:
      return top_command(command.top);
    case CommandLine::Verb::kStack:
      return stack_command(command.stack);
    case CommandLine::Verb::kDoctor:
      return doctor_command(command.doctor);
    case CommandLine::Verb::kCheckConfig:
      return check_config(command.check_config_file);
  }
  return 2;
}

}  // namespace
}  // namespace loopscope

int main(int argc, char** argv) {
  const std::span<const char* const> words(argv, static_cast<std::size_t>(argc));
  if (const auto format = loopscope::Supervisor::wanted(words)) {
    if (const auto code = loopscope::Supervisor(*format).run()) return *code;
    // From here on this is the supervised process.
  }
  // A heap per thread would triple what scrapes of a hundred loops leave behind.
  mallopt(M_ARENA_MAX, 2);          // NOLINT(concurrency-mt-unsafe): no other thread yet
  loopscope::raise_capabilities();  // before there are other threads
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  const auto outcome = loopscope::parse_command_line(arguments);
  if (!outcome.command) {
    std::fputs(outcome.output.c_str(), outcome.exit_code == 0 ? stdout : stderr);
    return outcome.exit_code;
  }
  int code = 1;
  try {
    code = loopscope::carry_out(*outcome.command);
  } catch (const std::exception& error) {
    loopscope::print_error(error.what());
  }
  loopscope::flush_log();
  return code;
}
