#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "target/main_script.h"
#include "target/package_name.h"
#include "target/program.h"
#include "target/program_arguments.h"

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

// Whatever a package.json, a command line and an environment say, a name is short and text, and
// a number is small.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace loopscope;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto name = package_name_in(text)) expect(!name->empty() && name->size() <= 214);
  const ProgramArguments arguments = parse_arguments(text);
  expect(arguments.values.size() <= 1024);
  for (const Interpreter interpreter :
       {Interpreter::kNode, Interpreter::kDeno, Interpreter::kBun, Interpreter::kPython}) {
    if (const auto script = main_script(interpreter, arguments.values)) {
      (void)launcher_name(script->path);
    }
  }
  const ProgramEnvironment environment = parse_environment(text);
  for (const auto& number :
       {environment.app_instance, environment.pm_id, environment.cluster_worker}) {
    expect(!number || (*number >= 0 && *number < 100'000));
  }
  return 0;
}
