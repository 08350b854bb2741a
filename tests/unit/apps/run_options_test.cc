#include "apps/loopscope/run_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace loopscope {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

class EffectiveConfigTest : public testing::Test {
 protected:
  ~EffectiveConfigTest() override { std::filesystem::remove(path_); }

  RunOptions with_file(const std::string& yaml) {
    std::ofstream(path_) << yaml;
    RunOptions options;
    options.config_file = path_;
    return options;
  }

  std::string path_ = testing::TempDir() + "loopscope-run-options-" +
                      testing::UnitTest::GetInstance()->current_test_info()->name() + ".yaml";
};

TEST_F(EffectiveConfigTest, NoFlagsNoFileAreTheDefaults) {
  const auto config = effective_config({});
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(*config, Config{});
}

TEST_F(EffectiveConfigTest, FlagsOverrideTheFile) {
  RunOptions options = with_file(
      "listen: 127.0.0.1:1\nlog_format: json\nlog_level: warn\nstall_threshold: 200ms\n"
      "sample_interval: 2ms\ntargets: [{port: 80}]\n");
  options.listen = ListenAddress{"127.0.0.1", 0};
  options.stall_threshold = 300ms;
  options.log_level = LogLevel::kError;
  const auto config = effective_config(options);
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->listen.port, 0);
  EXPECT_EQ(config->stall_threshold, 300ms);
  EXPECT_EQ(config->log_level, LogLevel::kError);
  EXPECT_EQ(config->log_format, LogFormat::kJson);
  EXPECT_EQ(config->sample_interval, 2ms);
  EXPECT_EQ(config->targets.size(), 1U);
}

TEST_F(EffectiveConfigTest, StacksAndTheStallLogCanBeSetByFlag) {
  RunOptions options = with_file("stacks: {ptrace: false}\nstall_log: {file: a, keep: 7}\n");
  auto config = effective_config(options);
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_TRUE(config->stacks.enabled);
  EXPECT_EQ(config->stall_log.file, "a");
  options.no_stacks = true;
  options.stall_log_file = "b";
  config = effective_config(options);
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_FALSE(config->stacks.enabled);
  EXPECT_FALSE(config->stacks.ptrace);
  EXPECT_EQ(config->stall_log.file, "b");
  EXPECT_EQ(config->stall_log.keep, 7U);
}

TEST_F(EffectiveConfigTest, ContainerLabelsCanBeSwitchedOnByFlag) {
  RunOptions options = with_file("container_labels: {names: /logs}\n");
  auto config = effective_config(options);
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->container_labels, (ContainerLabelSettings{false, "/logs"}));
  options.container_labels = true;
  config = effective_config(options);
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->container_labels, (ContainerLabelSettings{true, "/logs"}));
}

TEST_F(EffectiveConfigTest, TheWebConfigOfTheFlagReplacesThatOfTheFile) {
  RunOptions options = with_file("web_config: a.yml\n");
  EXPECT_EQ(effective_config(options)->web_config, "a.yml");
  options.web_config_file = "b.yml";
  EXPECT_EQ(effective_config(options)->web_config, "b.yml");
}

TEST_F(EffectiveConfigTest, WaitingForAWebConfigNeedsOne) {
  RunOptions options = with_file("log_level: info\n");
  options.wait_for_web_config = true;
  const auto open = effective_config(options);  // by a reload it would open it to everybody
  ASSERT_FALSE(open.ok());
  EXPECT_EQ(open.error().message,
            "--wait-for-web-config needs a file to wait for, by --web-config or web_config");
  options.web_config_file = "a.yml";
  EXPECT_TRUE(effective_config(options).ok());
}

TEST_F(EffectiveConfigTest, CompatibilityByFlagReplacesThatOfTheFile) {
  RunOptions options = with_file("compatibility: {prom_client: true}\n");
  auto config = effective_config(options);
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->compatibility, (CompatibilitySwitches{true, false}));
  options.compatibility = CompatibilitySwitches{false, true};
  config = effective_config(options);
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->compatibility, (CompatibilitySwitches{false, true}));
}

TEST_F(EffectiveConfigTest, SelectorsReplaceTheTargetsOfTheFile) {
  RunOptions options = with_file("targets: [{port: 80}]\n");
  options.pids = {5, 6};
  options.names = {NamePattern::compile("node").value()};
  options.ports = {3000};
  const auto config = effective_config(options);
  ASSERT_TRUE(config.ok()) << config.error().message;
  ASSERT_EQ(config->targets.size(), 4U);
  EXPECT_EQ(config->targets[0].pid, 5);
  EXPECT_EQ(config->targets[1].pid, 6);
  EXPECT_EQ(config->targets[2].process->text(), "node");
  EXPECT_EQ(config->targets[3].port, 3000);
}

TEST_F(EffectiveConfigTest, ACommandLeavesNoOtherTarget) {
  RunOptions options = with_file("targets: [{port: 80}]\n");
  options.command = {"node", "app.js"};
  const auto config = effective_config(options);
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_THAT(config->targets, IsEmpty());
}

TEST_F(EffectiveConfigTest, ErrorsOfTheFileAndOfCombinationsComeOut) {
  const auto bad_file = effective_config(with_file("lissten: 1\n"));
  ASSERT_FALSE(bad_file.ok());
  EXPECT_THAT(bad_file.error().message, HasSubstr(path_ + ":1:1: unknown key"));

  RunOptions options;
  options.sample_interval = 20ms;
  const auto contradiction = effective_config(options);
  ASSERT_FALSE(contradiction.ok());
  EXPECT_EQ(contradiction.error().message,
            "stall_threshold (50ms) must be at least five times sample_interval (20ms)");
}

}  // namespace
}  // namespace loopscope
