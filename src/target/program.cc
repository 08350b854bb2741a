#include "target/program.h"

#include <charconv>

#include "base/ascii.h"
#include "target/base_name.h"
#include "target/json_member.h"
#include "target/main_script.h"
#include "target/package_name.h"
#include "target/proc_file.h"
#include "target/process_info.h"
#include "target/program_arguments.h"
#include "target/target_root.h"
#include "target/text_part.h"
#include "target/uv_arguments.h"

namespace loopscope {
namespace {

constexpr std::size_t kMaxEnvironment = std::size_t{256} << 10;
constexpr std::size_t kMaxPackageJson = std::size_t{256} << 10;
constexpr int kMaxInstance = 99'999;

std::optional<int> instance_number(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (number < 0 || number > kMaxInstance) return std::nullopt;
  return number;
}

Interpreter interpreter_of_process(const RuntimeInfo& runtime, const std::string& executable) {
  // A Node by another name is one, too.
  if (runtime.name == "node") return Interpreter::kNode;
  return interpreter_of(base_name(executable));
}

bool has_packages(Interpreter interpreter) {
  return interpreter == Interpreter::kNode || interpreter == Interpreter::kDeno ||
         interpreter == Interpreter::kBun;
}

/// Finds the name of a program whose script is known, or lost.
class Naming {
 public:
  Naming(int pid, Interpreter interpreter) : interpreter_(interpreter) {
    if (auto root = TargetRoot::open(pid)) {
      if (auto directory = root->working_directory()) directory_ = *directory;
      root_ = std::move(*root);
    }
  }

  std::string of_script(const std::string& script) const {
    if (script.find("://") != std::string::npos && !script.starts_with("file://")) {
      return base_name(script.substr(0, script.find_first_of("?#")));
    }
    const std::string path = absolute(script);
    if (has_packages(interpreter_)) {
      if (std::string launcher = launcher_name(path); !launcher.empty()) return launcher;
      if (auto name = package_of(path)) return *name;
    }
    return base_name(path);
  }

  /// Nothing but the folder it runs in is left to go by. Empty: not even that.
  std::string of_folder() const {
    if (!has_packages(interpreter_) || directory_.empty()) return {};
    return package_of(directory_).value_or("");
  }

 private:
  std::string absolute(std::string script) const {
    constexpr std::string_view kFileUrl = "file://";
    if (script.starts_with(kFileUrl)) script.erase(0, kFileUrl.size());
    if (!script.starts_with('/')) script = directory_ + "/" + script;
    // Without "." and "..", and no "/" at the end.
    std::string path;
    std::string_view rest = script;
    while (!rest.empty()) {
      const std::string_view part = take_part(rest, '/');
      if (part.empty() || part == ".") continue;
      if (part == "..") {
        path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
      } else {
        path.append("/").append(part);
      }
    }
    return path;
  }

  std::optional<std::string> package_of(const std::string& path) const {
    if (!root_) return std::nullopt;
    return nearest_package_name(
        path, [this](const std::string& file) { return root_->read_file(file, kMaxPackageJson); });
  }

  const Interpreter interpreter_;
  std::optional<TargetRoot> root_;
  std::string directory_;
};

bool is_written_over(const ProgramArguments& arguments, const std::string& executable) {
  if (arguments.is_rewritten) return true;
  // A title of just the right length.
  const std::string& first = arguments.values.front();
  return arguments.values.size() == 1 && first.find(' ') != std::string::npos &&
         base_name(first) != base_name(executable);
}

/// Titles that package managers give themselves: "npm run dev".
std::string launcher_of_title(const std::string& title) {
  const std::size_t end = title.find(' ');
  return end == std::string::npos ? std::string() : launcher_name(title.substr(0, end));
}

/// pm2 gives its cluster's workers as one JSON text what it gives others as variables.
void take_pm2(std::string_view json, ProgramEnvironment& out) {
  for (const auto& [name, value] :
       json_members(json, {"NODE_APP_INSTANCE", "pm_exec_path", "pm_id"})) {
    if (name == "NODE_APP_INSTANCE") out.app_instance = instance_number(value);
    if (name == "pm_id") out.pm_id = instance_number(value);
    if (name == "pm_exec_path") out.pm_exec_path = value;
  }
}

void name_script(Program& program, const Naming& naming, const MainScript& script) {
  program.script = script.path.empty() ? script.module : script.path;
  const std::string name = script.path.empty() ? script.module : naming.of_script(script.path);
  if (!name.empty()) program.name = without_controls(name);
}

}  // namespace

ProgramEnvironment parse_environment(std::string_view bytes) {
  ProgramEnvironment out;
  std::string_view pm2;
  while (!bytes.empty()) {
    std::string_view value = take_part(bytes, '\0');
    const std::string_view name = take_part(value, '=');
    if (name == "NODE_APP_INSTANCE") out.app_instance = instance_number(value);
    if (name == "pm_id") out.pm_id = instance_number(value);
    if (name == "NODE_UNIQUE_ID") out.cluster_worker = instance_number(value);
    if (name == "pm_exec_path") out.pm_exec_path = value;
    if (name == "pm2_env") pm2 = value;
  }
  if (!pm2.empty()) take_pm2(pm2, out);
  return out;
}

Program read_program(int pid, const RuntimeInfo& runtime, const std::string& fallback) {
  Program program;
  program.name = fallback;
  if (auto path = executable_path(pid)) program.executable = *std::move(path);

  ProgramEnvironment environment;
  if (const auto bytes =
          read_proc_file("/proc/" + std::to_string(pid) + "/environ", kMaxEnvironment)) {
    environment = parse_environment(*bytes);
  }
  program.instance = environment.app_instance ? environment.app_instance : environment.pm_id;
  if (!program.instance) {
    program.instance = environment.cluster_worker;
    program.instance_grows = program.instance.has_value();
  }

  const Interpreter interpreter = interpreter_of_process(runtime, program.executable);
  if (interpreter == Interpreter::kNone) return program;
  auto arguments = read_arguments(pid);
  if (!arguments || arguments->values.empty()) return program;
  const std::string first = arguments->values.front();
  bool is_title = is_written_over(*arguments, program.executable);
  if (is_title && interpreter == Interpreter::kNode) {
    if (auto kept = read_uv_arguments(pid); kept && !kept->empty()) {
      arguments->values = *std::move(kept);
      is_title = false;
    }
  }
  const Naming naming(pid, interpreter);
  auto script = is_title ? std::nullopt : main_script(interpreter, arguments->values);
  if ((is_title || (script && is_pm2_container(script->path))) &&
      !environment.pm_exec_path.empty()) {
    script = MainScript{environment.pm_exec_path, {}};
  }
  if (script) {
    name_script(program, naming, *script);
  } else if (is_title) {
    std::string name = launcher_of_title(first);
    if (name.empty()) name = naming.of_folder();
    // The title became the name of the main thread, too.
    if (name.empty()) name = base_name(program.executable);
    if (!name.empty()) program.name = without_controls(name);
  }
  return program;
}

}  // namespace loopscope
