#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace loopscope {

/// What runs the script that a program is.
enum class Interpreter { kNone, kNode, kDeno, kBun, kPython };

/// By the base name of the executable ("python3.11", "nodejs").
Interpreter interpreter_of(std::string_view executable_name);

/// What an interpreter was told to run.
struct MainScript {
  std::string path;    ///< as given; empty: a module
  std::string module;  ///< of Python's -m
};

/// `arguments`: argv, the interpreter's own name first. Programs that interpret another language
/// in their own process (ts-node) are looked through. Absent: it was told to run no script
/// (a shell, code on the command line, standard input).
std::optional<MainScript> main_script(Interpreter interpreter,
                                      const std::vector<std::string>& arguments);

/// Programs that start other programs and have a loop of their own meanwhile (npm, tsx,
/// nodemon): named after themselves wherever they lie. Empty: `path` is none.
std::string launcher_name(std::string_view path);

/// A script of pm2's that loads the one in the environment's pm_exec_path.
bool is_pm2_container(std::string_view path);

}  // namespace loopscope
