#include "target/main_script.h"

#include <algorithm>
#include <array>
#include <span>

#include "target/base_name.h"

namespace loopscope {
namespace {

using Names = std::span<const std::string_view>;

bool is_in(Names names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Options whose value is the next argument, where it is not joined to them by "=".
constexpr std::array<std::string_view, 27> kNodeValues = {"-r",
                                                          "--require",
                                                          "--import",
                                                          "--loader",
                                                          "--experimental-loader",
                                                          "-C",
                                                          "--conditions",
                                                          "--diagnostic-dir",
                                                          "--disable-warning",
                                                          "--dns-result-order",
                                                          "--env-file",
                                                          "--env-file-if-exists",
                                                          "--experimental-default-type",
                                                          "--icu-data-dir",
                                                          "--input-type",
                                                          "--inspect-port",
                                                          "--debug-port",
                                                          "--localstorage-file",
                                                          "--max-http-header-size",
                                                          "--openssl-config",
                                                          "--redirect-warnings",
                                                          "--report-directory",
                                                          "--title",
                                                          "--tls-cipher-list",
                                                          "--trace-event-categories",
                                                          "--unhandled-rejections",
                                                          "--watch-path"};
constexpr std::array<std::string_view, 9> kNodeNoScript = {
    "-e", "--eval", "-p", "--print", "-pe", "-i", "--interactive", "--test", "--run"};
constexpr std::array<std::string_view, 10> kDenoValues = {
    "-c", "--config",    "--import-map", "--env-file", "--lock",
    "-L", "--log-level", "--cert",       "--location", "--seed"};
constexpr std::array<std::string_view, 8> kBunValues = {
    "-r",    "--preload",  "-c",           "--config",
    "--cwd", "--env-file", "--conditions", "--tsconfig-override"};
constexpr std::array<std::string_view, 3> kPythonValues = {"-W", "-X", "--check-hash-based-pycs"};
constexpr std::array<std::string_view, 3> kDenoCommands = {"run", "serve", "watch"};

/// Of programs that load a script of another language into their own process.
constexpr std::array<std::string_view, 9> kLoaders = {
    "ts-node",    "ts-node-esm",  "ts-node-script", "ts-node-transpile-only",
    "babel-node", "sucrase-node", "esbuild-runner", "esr",
    "coffee"};

constexpr std::array<std::string_view, 16> kLaunchers = {
    "npm",    "npx",         "yarn",    "pnpm",     "tsx",          "nodemon",
    "pm2",    "ts-node-dev", "tsnd",    "node-dev", "concurrently", "cross-env",
    "dotenv", "npm-run-all", "forever", "corepack"};
/// Packages whose folder is named otherwise than the program.
constexpr std::array<std::string_view, 3> kLauncherPackages = {"dotenv-cli", "npm-run-all2",
                                                               "supervisor"};

std::string_view without_extension(std::string_view name) {
  for (const std::string_view extension : {".js", ".mjs", ".cjs"}) {
    if (name.ends_with(extension)) return name.substr(0, name.size() - extension.size());
  }
  return name;
}

/// The package that a path lies in, if it is a dependency.
std::string_view dependency_of(std::string_view path) {
  constexpr std::string_view kFolder = "node_modules/";
  const std::size_t at = path.rfind(kFolder);
  if (at == std::string_view::npos) return {};
  std::string_view rest = path.substr(at + kFolder.size());
  const std::size_t scope_end = rest.starts_with('@') ? rest.find('/') : 0;
  if (scope_end == std::string_view::npos) return {};
  const std::size_t end = rest.find('/', scope_end + (scope_end > 0 ? 1 : 0));
  return rest.substr(0, end);
}

/// Index of the first argument from `at` on that is neither an option nor an option's value;
/// the number of arguments: there is none.
std::size_t first_word(const std::vector<std::string>& arguments, std::size_t at, Names with_value,
                       Names ends_it) {
  for (; at < arguments.size(); ++at) {
    const std::string& argument = arguments[at];
    if (is_in(ends_it, argument)) return arguments.size();
    if (argument == "--") return at + 1;
    if (argument == "-") return arguments.size();
    if (!argument.starts_with('-')) return at;
    if (is_in(with_value, argument)) ++at;
  }
  return arguments.size();
}

std::optional<MainScript> script_at(const std::vector<std::string>& arguments, std::size_t at) {
  if (at >= arguments.size() || arguments[at].empty()) return std::nullopt;
  return MainScript{arguments[at], {}};
}

std::optional<MainScript> node_script(const std::vector<std::string>& arguments) {
  const std::size_t at = first_word(arguments, 1, kNodeValues, kNodeNoScript);
  auto script = script_at(arguments, at);
  if (!script) return script;
  const std::string_view dependency = dependency_of(script->path);
  const std::string name = base_name(script->path);
  if (is_in(kLoaders, without_extension(name)) || is_in(kLoaders, dependency)) {
    const std::size_t loaded = first_word(arguments, at + 1, kNodeValues, kNodeNoScript);
    if (auto inner = script_at(arguments, loaded)) return inner;
  }
  return script;
}

std::optional<MainScript> python_script(const std::vector<std::string>& arguments) {
  for (std::size_t at = 1; at < arguments.size(); ++at) {
    const std::string& argument = arguments[at];
    if (argument == "-" || argument == "-c") return std::nullopt;
    if (argument == "-m") {
      if (at + 1 >= arguments.size()) return std::nullopt;
      return MainScript{{}, arguments[at + 1]};
    }
    if (argument == "--") return script_at(arguments, at + 1);
    if (!argument.starts_with('-')) return script_at(arguments, at);
    if (is_in(kPythonValues, argument)) {
      ++at;
    } else if (!argument.starts_with("--") && argument.size() > 2 &&
               (argument.ends_with('m') || argument.ends_with('c'))) {
      // Letters joined: -um module.
      if (argument.ends_with('c') || at + 1 >= arguments.size()) return std::nullopt;
      return MainScript{{}, arguments[at + 1]};
    }
  }
  return std::nullopt;
}

}  // namespace

Interpreter interpreter_of(std::string_view name) {
  if (name == "node" || name == "nodejs") return Interpreter::kNode;
  if (name == "deno") return Interpreter::kDeno;
  if (name == "bun" || name == "bunx") return Interpreter::kBun;
  if (!name.starts_with("python") && !name.starts_with("pypy")) return Interpreter::kNone;
  const std::string_view version = name.substr(name.starts_with("pypy") ? 4 : 6);
  const bool is_version = version.find_first_not_of("0123456789.") == std::string_view::npos;
  return is_version ? Interpreter::kPython : Interpreter::kNone;
}

std::optional<MainScript> main_script(Interpreter interpreter,
                                      const std::vector<std::string>& arguments) {
  switch (interpreter) {
    case Interpreter::kNone:
      return std::nullopt;
    case Interpreter::kNode:
      return node_script(arguments);
    case Interpreter::kPython:
      return python_script(arguments);
    case Interpreter::kDeno: {
      const std::size_t command = first_word(arguments, 1, kDenoValues, {});
      if (command >= arguments.size()) return std::nullopt;
      if (!is_in(kDenoCommands, arguments[command])) {
        // "deno x.ts" runs it, "deno task x" does not run x.
        if (arguments[command].find('.') == std::string::npos) return std::nullopt;
        return script_at(arguments, command);
      }
      return script_at(arguments, first_word(arguments, command + 1, kDenoValues, {}));
    }
    case Interpreter::kBun: {
      constexpr std::array<std::string_view, 4> kNone = {"-e", "--eval", "-p", "--print"};
      const std::size_t word = first_word(arguments, 1, kBunValues, kNone);
      if (word >= arguments.size()) return std::nullopt;
      if (arguments[word] != "run") return script_at(arguments, word);
      return script_at(arguments, first_word(arguments, word + 1, kBunValues, kNone));
    }
  }
  return std::nullopt;
}

std::string launcher_name(std::string_view path) {
  const std::string_view package = dependency_of(path);
  if (is_in(kLauncherPackages, package)) return std::string(package);
  if (is_in(kLaunchers, package)) return std::string(package);
  // A dependency's own file may be called anything.
  if (!package.empty() && package != ".bin") return {};
  const std::string name = base_name(std::string(path));
  std::string_view stem = without_extension(name);
  if (stem.ends_with("-cli")) stem.remove_suffix(4);
  return is_in(kLaunchers, stem) ? std::string(stem) : std::string();
}

bool is_pm2_container(std::string_view path) {
  const std::string name = base_name(std::string(path));
  return name.starts_with("ProcessContainer") && name.ends_with(".js");
}

}  // namespace loopscope
