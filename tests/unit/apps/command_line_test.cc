#include "apps/loopscope/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>

#include "base/version.h"

namespace loopscope {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using namespace std::chrono_literals;

CommandLineOutcome parse(std::initializer_list<std::string> arguments) {
  const std::vector<std::string> copy(arguments);
  return parse_command_line(copy);
}

RunOptions run(std::initializer_list<std::string> arguments) {
  CommandLineOutcome outcome = parse(arguments);
  EXPECT_TRUE(outcome.command.has_value()) << outcome.output;
  if (!outcome.command) return {};
  EXPECT_EQ(outcome.command->verb, CommandLine::Verb::kRun);
  EXPECT_EQ(outcome.output, "");
  return outcome.command->run;
}

/// The error text of a refused command line.
std::string refusal(std::initializer_list<std::string> arguments) {
  CommandLineOutcome outcome = parse(arguments);
  EXPECT_FALSE(outcome.command.has_value());
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.output.back(), '\n');
  return outcome.output;
}

std::string help(std::initializer_list<std::string> arguments) {
  CommandLineOutcome outcome = parse(arguments);
  EXPECT_FALSE(outcome.command.has_value());
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.output.back(), '\n');
  return outcome.output;
}

TEST(CommandLine, VersionAndHelpSucceed) {
  EXPECT_EQ(help({"--version"}), std::string("loopscope ") + kVersion + "\n");
  for (const char* word :
       {"run", "top", "stack", "doctor", "check-config", "--version", "Examples"}) {
    EXPECT_THAT(help({"--help"}), HasSubstr(word));
  }
  for (const char* word :
       {"--pid N", "--name REGEX", "--port N", "--config FILE", "--listen HOST:PORT",
        "--stall-threshold DURATION", "--sample-interval DURATION", "--log-format", "--log-level",
        "--web-config FILE", "--wait-for-web-config", "--stall-log FILE", "--compat NAMES",
        "--container-labels", "--no-stacks", "--supervise", "-- COMMAND"}) {
    EXPECT_THAT(help({"run", "--help"}), HasSubstr(word));
  }
  EXPECT_THAT(help({"run", "--help"}), HasSubstr("Usage: loopscope run"));
  EXPECT_THAT(help({"doctor", "-h"}), HasSubstr("--pid N"));
  EXPECT_THAT(help({"check-config", "--help"}), HasSubstr("FILE"));
}

TEST(CommandLine, HelpFitsATerminal) {
  for (const auto& text : {help({"--help"}), help({"run", "--help"}), help({"top", "--help"}),
                           help({"doctor", "--help"})}) {
    std::size_t begin = 0;
    while (begin < text.size()) {
      const std::size_t end = text.find('\n', begin);
      EXPECT_LE(end - begin, 100U) << text.substr(begin, end - begin);
      begin = end + 1;
    }
  }
}

TEST(CommandLine, NothingIsAUsageErrorThatShowsTheHelp) {
  EXPECT_EQ(refusal({}), help({"--help"}));
}

TEST(CommandLine, RunTakesEveryFlag) {
  const RunOptions options = run({"run",
                                  "--config",
                                  "a.yaml",
                                  "--pid",
                                  "17",
                                  "--pid=18",
                                  "--name",
                                  "[ab]",
                                  "--name",
                                  "^c",
                                  "--port",
                                  "3000",
                                  "--listen",
                                  "[::1]:0",
                                  "--web-config",
                                  "web.yml",
                                  "--wait-for-web-config",
                                  "--stall-threshold",
                                  "100ms",
                                  "--sample-interval",
                                  "250us",
                                  "--log-format",
                                  "json",
                                  "--log-level",
                                  "debug",
                                  "--stall-log",
                                  "stalls.jsonl",
                                  "--compat",
                                  "opentelemetry,prom-client",
                                  "--container-labels",
                                  "--no-stacks"});
  EXPECT_EQ(options.config_file, "a.yaml");
  EXPECT_THAT(options.pids, ElementsAre(17, 18));
  ASSERT_EQ(options.names.size(), 2U);
  EXPECT_EQ(options.names[0].text(), "[ab]");
  EXPECT_EQ(options.names[1].text(), "^c");
  EXPECT_THAT(options.ports, ElementsAre(3000));
  EXPECT_EQ(options.listen, (ListenAddress{"::1", 0}));
  EXPECT_EQ(options.stall_threshold, 100ms);
  EXPECT_EQ(options.sample_interval, 250us);
  EXPECT_EQ(options.log_format, LogFormat::kJson);
  EXPECT_EQ(options.log_level, LogLevel::kDebug);
  EXPECT_EQ(options.web_config_file, "web.yml");
  EXPECT_TRUE(options.wait_for_web_config);
  EXPECT_EQ(options.stall_log_file, "stalls.jsonl");
  EXPECT_EQ(options.compatibility, (CompatibilitySwitches{true, true}));
  EXPECT_TRUE(options.container_labels);
  EXPECT_TRUE(options.no_stacks);
  EXPECT_THAT(options.command, IsEmpty());
}

TEST(CommandLine, RunAloneSelectsNothing) {
  const RunOptions options = run({"run"});
  EXPECT_THAT(options.pids, IsEmpty());
  EXPECT_FALSE(options.listen.has_value());
  EXPECT_EQ(options.web_config_file, "");
  EXPECT_EQ(options.stall_log_file, "");
  EXPECT_FALSE(options.compatibility.has_value());
  EXPECT_FALSE(options.container_labels);
  EXPECT_FALSE(options.no_stacks);
  EXPECT_THAT(options.command, IsEmpty());
}

TEST(CommandLine, EverythingAfterTheSeparatorIsUntouched) {
  const RunOptions options =
      run({"run", "--listen", "127.0.0.1:0", "--", "node", "--pid", "x", "", "--", "-h", "[a,b]"});
  EXPECT_THAT(options.command, ElementsAre("node", "--pid", "x", "", "--", "-h", "[a,b]"));
  EXPECT_THAT(options.pids, IsEmpty());
}

TEST(CommandLine, ACommandStandsAlone) {
  EXPECT_THAT(refusal({"run", "--"}), StartsWith("loopscope: no command after --\n"));
  for (const char* flag : {"--pid", "--name", "--port"}) {
    EXPECT_THAT(refusal({"run", flag, "1", "--", "node"}),
                HasSubstr("-- COMMAND cannot be combined with --pid, --name or --port"));
  }
  EXPECT_THAT(refusal({"run", "--supervise", "--", "node"}),
              HasSubstr("-- COMMAND cannot be combined with --supervise"));
  EXPECT_THAT(refusal({"doctor", "--", "node"}),
              HasSubstr("-- COMMAND belongs to run and top only"));
  EXPECT_THAT(refusal({"run", "node", "app.js"}), HasSubstr("unexpected argument \"node\""));
}

TEST(CommandLine, BadValuesNameTheFlagTheValueAndTheHelp) {
  EXPECT_EQ(refusal({"run", "--pid", "0"}),
            "loopscope: --pid: \"0\" is not a process id; allowed are 1 to 4194304\n"
            "see loopscope run --help\n");
  for (const char* pid : {"-5", "4194305", "abc", "12x", "", "99999999999999999999", "1.5", " 1"}) {
    EXPECT_THAT(refusal({"run", "--pid", pid}), HasSubstr("is not a process id")) << pid;
  }
  EXPECT_THAT(refusal({"run", "--name", "a("}),
              HasSubstr("--name: \"a(\" is not a usable pattern"));
  EXPECT_THAT(refusal({"run", "--port", "70000"}), HasSubstr("--port: \"70000\" is not a port"));
  EXPECT_THAT(refusal({"run", "--port", "0"}), HasSubstr("allowed are 1 to 65535"));
  EXPECT_THAT(refusal({"run", "--listen", "3000"}),
              HasSubstr("--listen: \"3000\" is not a listen"));
  EXPECT_THAT(refusal({"run", "--listen", ""}), HasSubstr("--listen: \"\" is not a listen"));
  EXPECT_THAT(refusal({"run", "--stall-threshold", "50"}), HasSubstr("the unit is missing"));
  EXPECT_THAT(refusal({"run", "--stall-threshold", "1ms"}),
              HasSubstr("\"1ms\" is out of range; allowed are 5ms to 60s"));
  EXPECT_THAT(refusal({"run", "--sample-interval", "1us"}),
              HasSubstr("allowed are 100us to 100ms"));
  EXPECT_THAT(refusal({"run", "--log-format", "xml"}), HasSubstr("allowed are text and json"));
  EXPECT_THAT(refusal({"run", "--log-level", "loud"}), HasSubstr("--log-level: \"loud\""));
  for (const char* names : {"", "prom_client", "prom-client,", ",opentelemetry", "a,prom-client"}) {
    EXPECT_THAT(refusal({"run", "--compat", names}), HasSubstr("is not a monitor; allowed are "));
  }
  EXPECT_THAT(refusal({"run", "--config", ""}), HasSubstr("--config: the file name is empty"));
  EXPECT_THAT(refusal({"doctor", "--pid", "x"}), HasSubstr("see loopscope doctor --help"));
}

TEST(CommandLine, BadFlagsAreNamed) {
  EXPECT_EQ(refusal({"run", "--stal-threshold", "50ms"}),
            "loopscope: unknown flag \"--stal-threshold\"; did you mean --stall-threshold?\n"
            "see loopscope run --help\n");
  EXPECT_THAT(refusal({"run", "--pidd=4"}), HasSubstr("did you mean --pid?"));
  EXPECT_THAT(refusal({"run", "--frobnicate"}), HasSubstr("unknown flag \"--frobnicate\"\n"));
  EXPECT_THAT(refusal({"run", "--pid"}), StartsWith("loopscope: --pid: the value is missing\n"));
  EXPECT_THAT(refusal({"run", "--log-level", "info", "--log-level", "warn"}),
              StartsWith("loopscope: --log-level: given more than once\n"));
  EXPECT_THAT(refusal({"rum"}), StartsWith("loopscope: unknown command \"rum\"; did you mean run?\n"
                                           "see loopscope --help\n"));
  EXPECT_THAT(refusal({"--pid", "4"}), HasSubstr("unknown flag \"--pid\""));
  EXPECT_THAT(refusal({"run", "doctor"}), HasSubstr("doctor"));
}

TEST(CommandLine, TopTakesTheSelectionOfRun) {
  const auto plain = parse({"top"});
  ASSERT_TRUE(plain.command.has_value()) << plain.output;
  EXPECT_EQ(plain.command->verb, CommandLine::Verb::kTop);
  EXPECT_EQ(plain.command->top.interval, 1s);
  EXPECT_FALSE(plain.command->top.count.has_value());
  EXPECT_FALSE(plain.command->top.plain);

  const auto full = parse({"top", "--config", "a.yaml", "--pid", "17", "--name", "^c", "--port",
                           "3000", "--stall-threshold", "100ms", "--sample-interval", "2ms",
                           "--no-stacks", "--interval", "250ms", "--count", "3", "--plain"});
  ASSERT_TRUE(full.command.has_value()) << full.output;
  const TopOptions& top = full.command->top;
  EXPECT_EQ(top.watch.config_file, "a.yaml");
  EXPECT_THAT(top.watch.pids, ElementsAre(17));
  EXPECT_EQ(top.watch.names.at(0).text(), "^c");
  EXPECT_THAT(top.watch.ports, ElementsAre(3000));
  EXPECT_EQ(top.watch.stall_threshold, 100ms);
  EXPECT_EQ(top.watch.sample_interval, 2ms);
  EXPECT_TRUE(top.watch.no_stacks);
  EXPECT_EQ(top.interval, 250ms);
  EXPECT_EQ(top.count, 3);
  EXPECT_TRUE(top.plain);

  const auto child = parse({"top", "--plain", "--", "node", "-q"});
  ASSERT_TRUE(child.command.has_value()) << child.output;
  EXPECT_THAT(child.command->top.watch.command, ElementsAre("node", "-q"));

  EXPECT_THAT(refusal({"top", "--interval", "1ms"}), HasSubstr("allowed are 100ms to 3600s"));
  EXPECT_THAT(refusal({"top", "--count", "0"}), HasSubstr("--count: \"0\" is not a number"));
  EXPECT_THAT(refusal({"top", "--listen", "127.0.0.1:0"}), HasSubstr("unknown flag"));
  EXPECT_THAT(refusal({"top", "--pid", "1", "--", "node"}),
              HasSubstr("-- COMMAND cannot be combined with --pid, --name or --port"));
  EXPECT_THAT(help({"top", "--help"}), HasSubstr("Usage: loopscope top"));
}

TEST(CommandLine, StackTakesOneProcess) {
  const auto plain = parse({"stack", "42"});
  ASSERT_TRUE(plain.command.has_value()) << plain.output;
  EXPECT_EQ(plain.command->verb, CommandLine::Verb::kStack);
  EXPECT_EQ(plain.command->stack.pid, 42);
  EXPECT_FALSE(plain.command->stack.no_ptrace);

  const auto full = parse({"stack", "--no-ptrace", "--config", "a.yaml", "42"});
  ASSERT_TRUE(full.command.has_value()) << full.output;
  EXPECT_TRUE(full.command->stack.no_ptrace);
  EXPECT_EQ(full.command->stack.config_file, "a.yaml");

  EXPECT_THAT(refusal({"stack"}), StartsWith("loopscope: PID is required\n"));
  EXPECT_THAT(refusal({"stack", "node"}),
              StartsWith("loopscope: PID: \"node\" is not a process id"));
  EXPECT_THAT(refusal({"stack", "1", "2"}), HasSubstr("unexpected argument \"2\""));
  EXPECT_THAT(refusal({"stack", "1", "--no-ptrac"}), HasSubstr("did you mean --no-ptrace?"));
  EXPECT_THAT(refusal({"stack", "1", "--", "node"}),
              HasSubstr("-- COMMAND belongs to run and top only"));
  EXPECT_THAT(help({"stack", "--help"}), HasSubstr("--no-ptrace"));
}

TEST(CommandLine, SwitchesTakeNoValue) {
  EXPECT_EQ(parse({"run", "--no-stacks=false"}).exit_code, 2);
  EXPECT_THAT(refusal({"run", "--stall-log", ""}),
              HasSubstr("--stall-log: the file name is empty"));
}

TEST(CommandLine, DoctorAndCheckConfig) {
  const auto doctor = parse({"doctor", "--pid", "42", "--config", "a.yaml"});
  ASSERT_TRUE(doctor.command.has_value()) << doctor.output;
  EXPECT_EQ(doctor.command->verb, CommandLine::Verb::kDoctor);
  EXPECT_EQ(doctor.command->doctor.pid, 42);
  EXPECT_EQ(doctor.command->doctor.config_file, "a.yaml");

  const auto plain = parse({"doctor"});
  ASSERT_TRUE(plain.command.has_value()) << plain.output;
  EXPECT_FALSE(plain.command->doctor.pid.has_value());

  const auto check = parse({"check-config", "a.yaml"});
  ASSERT_TRUE(check.command.has_value()) << check.output;
  EXPECT_EQ(check.command->verb, CommandLine::Verb::kCheckConfig);
  EXPECT_EQ(check.command->check_config_file, "a.yaml");
  EXPECT_THAT(refusal({"check-config"}), StartsWith("loopscope: FILE is required\n"));
  EXPECT_THAT(refusal({"check-config", "a", "b"}), HasSubstr("unexpected argument \"b\""));
}

}  // namespace
}  // namespace loopscope
