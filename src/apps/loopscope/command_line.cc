#include "apps/loopscope/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>
#include <utility>

#include "apps/loopscope/cli_options.h"
#include "apps/loopscope/exit_code.h"
#include "apps/loopscope/watch_options.h"
#include "base/quoted_text.h"
#include "base/version.h"
#include "config/suggestion.h"
#include "config/values.h"

namespace loopscope {
namespace {

constexpr char kMainFooter[] =
    "Examples:\n"
    "  loopscope run --pid 4242            watch one process\n"
    "  loopscope run --name 'server\\.js'   watch every process whose command line has this\n"
    "  loopscope run -- node app.js        start a program and watch it\n"
    "  loopscope top                       a live table of event loops\n"
    "  loopscope stack 4242                who is running in it now\n"
    "  loopscope doctor                    what can be measured on this machine, and why not\n"
    "\n"
    "Metrics are served at http://127.0.0.1:15667/metrics unless --listen says otherwise.\n"
    "Exit codes: 0 ended by SIGTERM or SIGINT, 1 failure, 2 bad command line or configuration.";

constexpr char kRunFooter[] =
    "Which processes:\n"
    "  --pid, --name and --port can be repeated and mixed: a process that any of them selects\n"
    "  is watched. They replace the targets of the configuration file. Without any selection,\n"
    "  every visible process with a listening TCP socket and an event loop is watched.\n"
    "  With -- COMMAND only that program is watched; everything after -- belongs to it.\n"
    "\n"
    "REGEX is an extended regular expression; it may match anywhere in the name or command line.\n"
    "Durations carry a unit: 250us, 50ms, 1.5s. Port 0 in --listen picks a free port.\n"
    "Flags override the configuration file.\n"
    "With --web-config every path asks for a user name and a password, as HTTP basic auth; the\n"
    "file has bcrypt hashes under basic_auth_users. Put a proxy in front for TLS.\n"
    "With --supervise a crash, a bad configuration or a port that is taken ends only a child; it\n"
    "is started again after 1 s, later ever more seldom up to 60 s. For sidecars in Kubernetes.\n"
    "\n"
    "Examples:\n"
    "  loopscope run --port 3000 --stall-threshold 100ms\n"
    "  loopscope run --config /etc/loopscope.yaml --log-format json\n"
    "  loopscope run --listen 127.0.0.1:0 -- node app.js --port 8080";

CommandLineOutcome usage_error(const std::string& message, const std::string& verb) {
  const std::string help = verb.empty() ? "loopscope --help" : "loopscope " + verb + " --help";
  return {std::nullopt, kUsageError, "loopscope: " + message + "\nsee " + help + "\n"};
}

/// CLI11's description of the command line.
class Grammar {
 public:
  Grammar() : app_("Measures how late event loops are, from outside the process.", "loopscope") {
    app_.set_version_flag("--version", std::string("loopscope ") + kVersion);
    app_.require_subcommand(0, 1);
    app_.get_formatter()->column_width(34);

    add_run();
    top_ = add_top(app_, line_.top);
    add_stack();
    add_doctor();
    add_check_config();
    app_.footer(kMainFooter);  // last, because subcommands inherit what is there
  }
  Grammar(const Grammar&) = delete;  // the options point into line_
  Grammar& operator=(const Grammar&) = delete;

  void parse(std::vector<std::string> arguments) {
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants it
    app_.parse(std::move(arguments));
  }

  /// What was parsed.
  CommandLine take_line() {
    if (top_->parsed()) line_.verb = CommandLine::Verb::kTop;
    if (stack_->parsed()) line_.verb = CommandLine::Verb::kStack;
    if (doctor_->parsed()) line_.verb = CommandLine::Verb::kDoctor;
    if (check_config_->parsed()) line_.verb = CommandLine::Verb::kCheckConfig;
    return std::move(line_);
  }

  /// What the subcommand in use watches; null: it watches nothing.
  RunOptions* watched() {
    if (run_->parsed()) return &line_.run;
    return top_->parsed() ? &line_.top.watch : nullptr;
  }
  std::string first_unexpected() const {
    const auto words = used().remaining();
    return words.empty() ? "" : words.front();
  }
  std::string main_help() const { return app_.help(); }
  /// Help of the subcommand in use, else of the program.
  std::string help() const { return used().help(verb().empty() ? "" : "loopscope"); }
  std::string verb() const { return &used() == &app_ ? "" : used().get_name(); }

  std::vector<std::string> flags() const {
    std::vector<std::string> names;
    for (const CLI::Option* option : used().get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
    return names;
  }
  std::vector<std::string> verbs() const {
    return {run_->get_name(), top_->get_name(), stack_->get_name(), doctor_->get_name(),
            check_config_->get_name()};
  }

 private:
  const CLI::App& used() const {
    const auto subcommands = app_.get_subcommands();
    return subcommands.empty() ? app_ : *subcommands.front();
  }

  void add_run() {
    RunOptions& run = line_.run;
    run_ = app_.add_subcommand("run", "Watch processes and serve /metrics, until interrupted");
    run_->footer(kRunFooter);
    add_watch_options(*run_, run);
    add_option(*run_, "--listen", "HOST:PORT", "Where to serve metrics (default 127.0.0.1:15667)",
               keep(run.listen, parse_listen_address));
    add_option(*run_, "--web-config", "FILE",
               "Ask for a password: users in Prometheus' web-config format",
               keep(run.web_config_file, parse_path));
    add_switch(*run_, "--wait-for-web-config",
               "Answer 503 until the file of --web-config exists; do not end",
               run.wait_for_web_config);
    add_option(*run_, "--log-format", "FORMAT", "text or json (default text)",
               keep(run.log_format, parse_log_format));
    add_option(*run_, "--log-level", "LEVEL", "debug, info, warn or error (default info)",
               keep(run.log_level, parse_log_level));
    add_option(*run_, "--stall-log", "FILE", "Write every ended stall to this file, as JSON lines",
               keep(run.stall_log_file, parse_path));
    add_option(*run_, "--compat", "NAMES",
               "Serve Node loops also as these do: prom-client,opentelemetry",
               keep(run.compatibility, parse_compatibility));
    add_switch(*run_, "--container-labels",
               "Label series by container and, on a Kubernetes node, by pod", run.container_labels);
    add_option(*run_, "--metrics", "default|full",
               "full: also counters at 0 and every bucket (default: default)",
               keep(run.all_metrics, parse_metric_detail));
    add_switch(*run_, "--pid-label", "Label series by pid, too: new ones with every restart",
               run.pid_label);
    add_switch(*run_, "--supervise", "Run as a child of this process, started again when it fails",
               run.supervise);
  }

  void add_stack() {
    StackOptions& stack = line_.stack;
    stack_ = app_.add_subcommand("stack", "Show who is running in a process now, once");
    add_option(*stack_, "PID", "", "The process", keep(stack.pid, parse_pid))->required();
    add_option(*stack_, "--config", "FILE", "Use the stacks settings of this YAML file",
               keep(stack.config_file, parse_path));
    add_switch(*stack_, "--no-ptrace", "Never stop a thread, not even briefly", stack.no_ptrace);
  }

  void add_doctor() {
    doctor_ = app_.add_subcommand("doctor", "Say what can be measured here, and why not the rest");
    add_option(*doctor_, "--pid", "N", "Examine what can be measured of this process",
               keep(line_.doctor.pid, parse_pid));
    add_option(*doctor_, "--config", "FILE", "Examine the targets of this YAML file",
               keep(line_.doctor.config_file, parse_path));
  }

  void add_check_config() {
    check_config_ =
        app_.add_subcommand("check-config", "Check a configuration file and name its first error");
    add_option(*check_config_, "FILE", "", "The YAML file",
               keep(line_.check_config_file, parse_path))
        ->required();
  }

  CLI::App app_;
  CLI::App* run_ = nullptr;
  CLI::App* top_ = nullptr;
  CLI::App* stack_ = nullptr;
  CLI::App* doctor_ = nullptr;
  CLI::App* check_config_ = nullptr;
  CommandLine line_;
};

std::string hint(std::string_view word, const std::vector<std::string>& known) {
  return did_you_mean(word, std::vector<std::string_view>(known.begin(), known.end()));
}

/// CLI11 reports a mistyped word as "not expected" only.
CommandLineOutcome unexpected_argument(const Grammar& grammar) {
  const std::string word = grammar.first_unexpected();
  const bool is_flag = word.starts_with('-');
  const std::string what = is_flag                  ? "unknown flag "
                           : grammar.verb().empty() ? "unknown command "
                                                    : "unexpected argument ";
  const auto known = is_flag ? grammar.flags() : grammar.verbs();
  const std::string meant =
      is_flag || grammar.verb().empty() ? hint(word.substr(0, word.find('=')), known) : "";
  return usage_error(what + quoted_text(word) + meant, grammar.verb());
}

/// A command line without errors in its parts: checks how they go together.
CommandLineOutcome accept(Grammar& grammar, bool has_separator, std::vector<std::string> program) {
  const std::string verb = grammar.verb();
  RunOptions* const watched = grammar.watched();
  if (has_separator && watched == nullptr) {
    return usage_error("-- COMMAND belongs to run and top only", verb);
  }
  if (has_separator && program.empty()) return usage_error("no command after --", verb);
  if (has_separator &&
      !(watched->pids.empty() && watched->names.empty() && watched->ports.empty())) {
    return usage_error("-- COMMAND cannot be combined with --pid, --name or --port", verb);
  }
  if (has_separator && watched->supervise) {
    return usage_error(
        "-- COMMAND cannot be combined with --supervise: it would start the command "
        "again and again",
        verb);
  }
  if (has_separator) watched->command = std::move(program);
  return {grammar.take_line(), 0, {}};
}

}  // namespace

CommandLineOutcome parse_command_line(std::span<const std::string> arguments) {
  const auto separator = std::find(arguments.begin(), arguments.end(), "--");
  std::vector<std::string> ours(arguments.begin(), separator);
  std::vector<std::string> program;
  if (separator != arguments.end()) program.assign(separator + 1, arguments.end());

  Grammar grammar;
  try {
    grammar.parse(ours);
  } catch (const CLI::CallForHelp&) {
    return {std::nullopt, 0, grammar.help()};
  } catch (const CLI::CallForVersion& version) {
    return {std::nullopt, 0, std::string(version.what()) + "\n"};
  } catch (const CLI::ExtrasError&) {
    return unexpected_argument(grammar);
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string text = error.what();  // "--pid: 1 required N missing"
    return usage_error(text.substr(0, text.find(':')) + ": the value is missing", grammar.verb());
  } catch (const CLI::ParseError& error) {
    return usage_error(error.what(), grammar.verb());
  }
  if (grammar.verb().empty()) return {std::nullopt, kUsageError, grammar.main_help()};
  return accept(grammar, separator != arguments.end(), std::move(program));
}

}  // namespace loopscope
