#include "config/config_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/yaml_tree.h"

namespace loopscope {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::StartsWith;
using namespace std::chrono_literals;

Config accepted(std::string_view yaml) {
  const auto config = parse_config(yaml, "f.yaml");
  EXPECT_TRUE(config.ok()) << config.error().message;
  return config ? *config : Config{};
}

std::string refusal(std::string_view yaml) {
  const auto config = parse_config(yaml, "f.yaml");
  return config ? "accepted" : config.error().message;
}

TEST(ConfigReader, NothingSaidMeansTheDefaults) {
  for (std::string_view yaml : {"", "# nothing\n", "{}", "---\n", "targets: []"}) {
    EXPECT_EQ(accepted(yaml), Config{}) << yaml;
  }
}

TEST(ConfigReader, ReadsEveryKey) {
  const Config config = accepted(R"(
listen: "[::1]:9000"
web_config: /etc/loopscope/web.yml
log_format: json
log_level: debug
stall_threshold: 0.1s
sample_interval: 500us
backlog_interval: 20ms
discovery_interval: 2s
max_loops: 10
sources: {uv_stack: false, procfs: true, backlog: false}
stacks: {enabled: true, perf: false, sleeping: false, ptrace: true}
stall_log: {file: /var/log/stalls.jsonl, max_size: 1MiB, keep: 9}
compatibility: {prom_client: false, opentelemetry: true}
metrics: full
pid_label: true
container_labels: {enabled: true, names: /logs}
targets:
  - name: api
    pid: 42
    process: ^node$
    port: 3000
    labels: {zone: b, team: "ä"}
    stall_threshold: 75ms
    internal_loops: true
  - port: '80'
)");
  EXPECT_EQ(config.listen, (ListenAddress{"::1", 9000}));
  EXPECT_EQ(config.web_config, "/etc/loopscope/web.yml");
  EXPECT_EQ(config.log_format, LogFormat::kJson);
  EXPECT_EQ(config.log_level, LogLevel::kDebug);
  EXPECT_EQ(config.stall_threshold, 100ms);
  EXPECT_EQ(config.sample_interval, 500us);
  EXPECT_EQ(config.backlog_interval, 20ms);
  EXPECT_EQ(config.discovery_interval, 2s);
  EXPECT_EQ(config.max_loops, 10U);
  EXPECT_EQ(config.sources, (SourceSwitches{false, true, false}));
  EXPECT_EQ(config.stacks, (StackSwitches{true, false, false, true}));
  EXPECT_EQ(config.stall_log, (StallLogConfig{"/var/log/stalls.jsonl", 1048576, 9}));
  EXPECT_EQ(config.compatibility, (CompatibilitySwitches{false, true}));
  EXPECT_TRUE(config.all_metrics);
  EXPECT_TRUE(config.pid_label);
  EXPECT_EQ(config.container_labels, (ContainerLabelSettings{true, "/logs"}));
  ASSERT_EQ(config.targets.size(), 2U);
  const TargetConfig& target = config.targets[0];
  EXPECT_EQ(target.name, "api");
  EXPECT_EQ(target.pid, 42);
  EXPECT_EQ(target.process->text(), "^node$");
  EXPECT_EQ(target.port, 3000);
  EXPECT_THAT(target.labels, ElementsAre(Pair("team", "ä"), Pair("zone", "b")));
  EXPECT_EQ(target.stall_threshold, 75ms);
  EXPECT_TRUE(target.internal_loops);
  EXPECT_EQ(config.targets[1].port, 80);
  EXPECT_FALSE(config.targets[1].stall_threshold.has_value());
}

TEST(ConfigReader, AnchorsCanShareLabels) {
  const Config config =
      accepted("targets:\n- {port: 1, labels: &common {team: a}}\n- {port: 2, labels: *common}\n");
  EXPECT_THAT(config.targets.at(1).labels, ElementsAre(Pair("team", "a")));
}

TEST(ConfigReader, UnknownKeysAreNamedWithASuggestion) {
  EXPECT_EQ(refusal("log_level: info\nstal_threshold: 50ms\n"),
            "f.yaml:2:1: unknown key \"stal_threshold\"; did you mean stall_threshold?");
  EXPECT_EQ(refusal("sources: {epbf: true}"),
            "f.yaml:1:11: unknown key \"epbf\"; known here are uv_stack, procfs, backlog");
  EXPECT_EQ(refusal("targets:\n  - prot: 80\n"),
            "f.yaml:2:5: unknown key \"prot\"; known here are name, pid, process, port, labels, "
            "stall_threshold, internal_loops");
  EXPECT_THAT(refusal("a: &a {x: 1}\n<<: *a\n"), HasSubstr("unknown key \"a\""));
}

TEST(ConfigReader, WrongKindsAreNamed) {
  EXPECT_EQ(refusal("listen: [1]\n"), "f.yaml:1:9: listen: expected a single value, found a list");
  EXPECT_EQ(refusal("listen:\n"), "f.yaml:1:1: listen: expected a single value, found nothing");
  EXPECT_EQ(refusal("sources: true\n"),
            "f.yaml:1:10: sources: expected a mapping, found a single value");
  EXPECT_EQ(refusal("targets: {port: 1}\n"),
            "f.yaml:1:10: targets: expected a list, found a mapping");
  EXPECT_EQ(refusal("targets: [80]\n"),
            "f.yaml:1:11: targets: expected a mapping such as {port: 3000}, found a single value");
  EXPECT_EQ(refusal("- a\n- b\n"),
            "f.yaml:1:1: expected settings such as \"stall_threshold: 50ms\", found a list");
  EXPECT_THAT(refusal("just text"), StartsWith("f.yaml:1:1: expected settings"));
  EXPECT_THAT(refusal("targets: [{port: 1, labels: [a]}]"),
              HasSubstr("labels: expected a mapping"));
}

TEST(ConfigReader, BadValuesSayWhatIsAllowed) {
  EXPECT_EQ(refusal("stall_threshold: 50\n"),
            "f.yaml:1:18: stall_threshold: \"50\" is not a duration: the unit is missing (ns, us, "
            "ms, s, m or h)");
  EXPECT_EQ(refusal("sample_interval: 1s\n"),
            "f.yaml:1:18: sample_interval: \"1s\" is out of range; allowed are 100us to 100ms");
  EXPECT_EQ(refusal("log_format: xml\n"),
            "f.yaml:1:13: log_format: \"xml\" is not a log format; allowed are text and json");
  EXPECT_EQ(refusal("log_level: 3\n"),
            "f.yaml:1:12: log_level: \"3\" is not a log level; allowed are debug, info, warn and "
            "error");
  EXPECT_EQ(refusal("sources: {procfs: yes}\n"),
            "f.yaml:1:19: procfs: \"yes\" is neither true nor false");
  EXPECT_EQ(refusal("max_loops: 0\n"),
            "f.yaml:1:12: max_loops: \"0\" is not a number of loops; allowed are 1 to 10000");
  EXPECT_EQ(refusal("stall_log: {max_size: 10}\n"),
            "f.yaml:1:23: max_size: \"10\" is not a size: the unit is missing (KiB, MiB or GiB)");
  EXPECT_EQ(refusal("stall_log: {max_size: 1KiB}\n"),
            "f.yaml:1:23: max_size: \"1KiB\" is out of range; allowed are 64KiB to 1GiB");
  EXPECT_EQ(refusal("stall_log: {keep: 0}\n"),
            "f.yaml:1:19: keep: \"0\" is not a number of files; allowed are 1 to 100");
  EXPECT_EQ(refusal("stall_log: {file: \"\"}\n"), "f.yaml:1:19: file: the file name is empty");
  EXPECT_THAT(refusal("stall_log: {file: \"a\\nb\"}\n"), HasSubstr("contains control characters"));
  EXPECT_THAT(refusal("stall_log: {file: " + std::string(4001, 'a') + "}\n"),
              HasSubstr("is longer than 4000 bytes"));
  EXPECT_EQ(refusal("stacks: {perv: true}\n"),
            "f.yaml:1:10: unknown key \"perv\"; did you mean perf?");
  EXPECT_EQ(refusal("compatibility: {prom-client: true}\n"),
            "f.yaml:1:17: unknown key \"prom-client\"; did you mean prom_client?");
  EXPECT_EQ(refusal("compatibility: prom_client\n"),
            "f.yaml:1:16: compatibility: expected a mapping, found a single value");
  EXPECT_THAT(refusal("listen: localhost\n"), StartsWith("f.yaml:1:9: listen: \"localhost\""));
  EXPECT_THAT(refusal("targets: [{port: 70000}]"), HasSubstr("\"70000\" is not a port"));
  EXPECT_THAT(refusal("targets: [{pid: -1}]"), HasSubstr("\"-1\" is not a process id"));
  EXPECT_THAT(refusal("targets: [{process: 'a('}]"),
              StartsWith("f.yaml:1:21: process: \"a(\" is not a usable pattern: Unmatched ("));
  EXPECT_THAT(refusal("targets: [{port: 1, name: ''}]"), HasSubstr("must not be empty"));
  EXPECT_THAT(refusal("targets: [{port: 1, name: \"a\\0b\"}]"), HasSubstr("control characters"));
  EXPECT_THAT(refusal("targets: [{port: 1, name: " + std::string(257, 'x') + "}]"),
              HasSubstr("longer than 256 bytes"));
}

TEST(ConfigReader, LabelNamesMustBeFreeAndValid) {
  const auto with_label = [](const std::string& name) {
    return refusal("targets: [{port: 1, labels: {" + name + ": x}}]");
  };
  EXPECT_EQ(with_label("Team_2"), "accepted");
  // A label of Loopscope's own figures, which carry no labels of targets.
  EXPECT_EQ(with_label("version"), "accepted");
  for (const char* taken : {"process",  "slot",
                            "pid",      "loop",
                            "package",  "executable",
                            "quantile", "phase",
                            "cause",    "state",
                            "window",   "listener",
                            "function", "file",
                            "line",     "source",
                            "runtime",  "runtime_version",
                            "le",       "nodejs_eventloop_state"}) {
    EXPECT_THAT(with_label(taken), HasSubstr("Loopscope's own series use it")) << taken;
  }
  EXPECT_THAT(with_label("__name__"), HasSubstr("reserved by Prometheus"));
  for (const char* invalid : {"a-b", "2a", "''", "ä", "a.b", "a b"}) {
    EXPECT_THAT(with_label(invalid), HasSubstr("cannot be a label name")) << invalid;
  }
  EXPECT_THAT(with_label("a: 1, a"), HasSubstr("\"a\" is given twice"));
}

TEST(ConfigReader, ContradictionsAreRefused) {
  EXPECT_EQ(refusal("log_level: info\nsample_interval: 20ms\n"),
            "f.yaml:2:18: stall_threshold (50ms) must be at least five times sample_interval "
            "(20ms)");
  EXPECT_EQ(refusal("sample_interval: 2ms\ntargets: [{port: 1, stall_threshold: 9ms}]\n"),
            "f.yaml:1:18: targets[0].stall_threshold (9ms) must be at least five times "
            "sample_interval (2ms)");
  EXPECT_EQ(refusal("sample_interval: 10ms\n"), "accepted");
  EXPECT_EQ(refusal("sources: {uv_stack: false, procfs: false, backlog: false}"),
            "f.yaml:1:10: sources: all are switched off; at least one must be on");
  EXPECT_EQ(refusal("stacks: {perf: false, sleeping: false, ptrace: false}"),
            "f.yaml:1:9: stacks: every way is switched off; switch one on, or all with enabled: "
            "false");
  EXPECT_EQ(refusal("stacks: {enabled: false, perf: false, sleeping: false, ptrace: false}"),
            "accepted");
  EXPECT_EQ(refusal("targets:\n  - name: api\n"),
            "f.yaml:2:5: targets: this one selects nothing; give pid, process or port");
}

TEST(ConfigReader, EveryThresholdWithinBoundsSuitsTheDefaultInterval) {
  EXPECT_EQ(refusal("stall_threshold: 5ms\ntargets: [{port: 1, stall_threshold: 5ms}]\n"),
            "accepted");
}

TEST(ConfigReader, CountsAreLimited) {
  std::string targets = "targets:\n";
  for (int i = 0; i < 257; ++i) targets += "- {port: 1}\n";
  EXPECT_THAT(refusal(targets), HasSubstr("more than 256 targets"));
  std::string labels = "targets: [{port: 1, labels: {";
  for (int i = 0; i < 17; ++i) labels += "a" + std::to_string(i) + ": x, ";
  EXPECT_THAT(refusal(labels + "}}]"), HasSubstr("more than 16 labels"));
}

TEST(ConfigReader, SyntaxErrorsAndDuplicatesCarryTheName) {
  EXPECT_THAT(refusal("listen: [\n"), HasSubstr("end of sequence flow not found"));
  EXPECT_THAT(refusal("log_level: info\nlisten: 'x\n"), StartsWith("f.yaml:2:"));
  EXPECT_THAT(refusal("listen: a: b\n"), StartsWith("f.yaml:1:10: "));
  EXPECT_EQ(refusal("log_level: info\nlog_level: warn\n"),
            "f.yaml:2:1: \"log_level\" is given twice; first in line 1");
}

TEST(Config, OnlyListenNeedsARestart) {
  Config before;
  Config after = accepted(
      "stall_threshold: 1s\nlog_level: debug\ntargets: [{port: 1}]\n"
      "stacks: {enabled: false}\nstall_log: {file: a}\n"
      "compatibility: {prom_client: true}\ncontainer_labels: {enabled: true}\n");
  EXPECT_THAT(restart_needed(before, after), IsEmpty());
  after.listen.port = 1;
  EXPECT_THAT(restart_needed(before, after), ElementsAre("listen"));
}

}  // namespace
}  // namespace loopscope
