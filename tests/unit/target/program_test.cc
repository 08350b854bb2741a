#include "target/program.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "support/child_process.h"
#include "support/temporary_directory.h"
#include "target/target_root.h"

namespace loopscope {
namespace {

using namespace std::string_literals;

TEST(ProgramEnvironment, OnlyTheNumbersAndPm2sScriptAreTaken) {
  const auto read = parse_environment(
      "PATH=/bin\0NODE_APP_INSTANCE=3\0pm_id=12\0NODE_UNIQUE_ID=7\0pm_exec_path=/srv/a=b.js\0"s);
  EXPECT_EQ(read.app_instance, 3);
  EXPECT_EQ(read.pm_id, 12);
  EXPECT_EQ(read.cluster_worker, 7);
  EXPECT_EQ(read.pm_exec_path, "/srv/a=b.js");
}

TEST(ProgramEnvironment, Pm2sClusterGivesThemAsJson) {
  const auto read = parse_environment(
      "pm2_env={\"name\":\"shop\",\"env\":{\"pm_id\":9},\"pm_exec_path\":\"/srv/server.js\","
      "\"NODE_APP_INSTANCE\":1,\"pm_id\":4}\0NODE_UNIQUE_ID=2\0"s);
  EXPECT_EQ(read.app_instance, 1);
  EXPECT_EQ(read.pm_id, 4);
  EXPECT_EQ(read.pm_exec_path, "/srv/server.js");
  for (const std::string& broken : {"{"s, "no"s, "{\"pm_id\":\"x\"}"s, "[1]"s}) {
    EXPECT_FALSE(parse_environment("pm2_env=" + broken + '\0').pm_id) << broken;
  }
}

TEST(ProgramEnvironment, WhatIsNoSmallNumberIsNone) {
  for (const std::string& value : {""s, "x"s, "-1"s, "1x"s, " 1"s, "100000"s, "99999999999"s}) {
    EXPECT_FALSE(parse_environment("pm_id=" + value + '\0').pm_id) << value;
  }
  EXPECT_FALSE(parse_environment("").pm_id);
  EXPECT_FALSE(parse_environment("xpm_id=1\0pm_idx=1\0pm_id"s).pm_id);
}

/// A child of this test that says it is `executable` and waits, started in `directory`.
class Sleeper {
 public:
  Sleeper(const std::string& executable, const std::string& directory,
          std::vector<std::string> arguments)
      : child_([=](const ChildProcess::Channel& parent) {
          if (::chdir(directory.c_str()) != 0) ::_exit(9);
          std::vector<const char*> words = {executable.c_str()};
          for (const std::string& argument : arguments) words.push_back(argument.c_str());
          words.push_back(nullptr);
          parent.hear();
          ::execv(executable.c_str(), const_cast<char**>(words.data()));
        }) {
    child_.tell('g');
    const std::string link = "/proc/" + std::to_string(child_.pid()) + "/exe";
    std::error_code error;
    // The kernel tells the executable a moment before it tells the arguments.
    is_running_ = eventually([&] {
      std::ifstream words("/proc/" + std::to_string(child_.pid()) + "/cmdline");
      return std::filesystem::read_symlink(link, error) == executable && words.peek() != EOF;
    });
  }
  int pid() const { return child_.pid(); }
  bool is_running() const { return is_running_; }

 private:
  ChildProcess child_;
  bool is_running_ = false;
};

class ProgramTest : public testing::Test {
 protected:
  void SetUp() override {
    // What tail is told to follow stands where a script does.
    std::filesystem::copy_file("/usr/bin/tail", node_);
    std::filesystem::create_directories(directory_ / "shop/src");
    write("shop/src/server.js", "");
    write("plain.js", "");
  }
  void write(const std::string& path, const std::string& text) {
    std::ofstream(directory_ / path) << text;
  }
  std::string name_of(const std::string& script) {
    const Sleeper sleeper(node_, directory_ / "", {"--follow=name", script});
    EXPECT_TRUE(sleeper.is_running());
    return read_program(sleeper.pid(), {}, "comm").name;
  }

  TemporaryDirectory directory_;
  const std::string node_ = directory_ / "node";
};

TEST_F(ProgramTest, IsNamedAfterThePackageAboveItsScript) {
  EXPECT_EQ(name_of("plain.js"), "plain.js");
  write("shop/package.json", R"({"name": "shop-api"})");
  EXPECT_EQ(name_of("shop/src/server.js"), "shop-api");
  EXPECT_EQ(name_of(directory_ / "shop/src/../src/server.js"), "shop-api");
}

TEST_F(ProgramTest, APackageFileThatIsNoneIsNotWaitedFor) {
  ASSERT_EQ(::mkfifo((directory_ / "shop/package.json").c_str(), 0600), 0);
  EXPECT_EQ(name_of("shop/src/server.js"), "server.js");
  std::filesystem::remove(directory_ / "shop/package.json");
  write("shop/package.json", R"({"x": ")" + std::string(1 << 20, 'x') + R"(", "name": "large"})");
  EXPECT_EQ(name_of("shop/src/server.js"), "server.js");
}

TEST_F(ProgramTest, OthersKeepTheNameOfTheProcess) {
  const Sleeper sleeper("/usr/bin/tail", directory_ / "", {"-f", "plain.js"});
  ASSERT_TRUE(sleeper.is_running());
  const Program program = read_program(sleeper.pid(), {}, "comm");
  EXPECT_EQ(program.name, "comm");
  EXPECT_EQ(program.executable, "/usr/bin/tail");
  EXPECT_EQ(program.script, "");
}

TEST_F(ProgramTest, OfAnEndedProcessNothingIsKnown) {
  EXPECT_EQ(read_program(2147483647, {}, "comm").name, "comm");
}

TEST(TargetRoot, LinksLeadNowhereElse) {
  TemporaryDirectory directory;
  std::filesystem::create_symlink("/proc/self/root/etc/hostname", directory / "magic");
  std::ofstream(directory / "file") << "text";
  const auto root = TargetRoot::open(::getpid());
  ASSERT_TRUE(root) << root.error().message;
  EXPECT_EQ(root->read_file(directory / "file", 100), "text");
  EXPECT_EQ(root->read_file(directory / "file", 3), std::nullopt);
  EXPECT_EQ(root->read_file(directory / "magic", 100), std::nullopt);
  EXPECT_EQ(root->read_file(directory / "", 100), std::nullopt) << "a folder";
  EXPECT_EQ(root->working_directory(), std::filesystem::current_path().string());
}

TEST(IsSameExec, WhatWasSeenAmidAnExecIsLookedAtAgain) {
  EXPECT_TRUE(is_same_exec(0x7ffc0010, 0x7ffc0010));
  EXPECT_FALSE(is_same_exec(0x7ffc0010, 0x7ffd0020));
  EXPECT_FALSE(is_same_exec(0, 0x7ffd0020)) << "the exec has ended since";
  EXPECT_TRUE(is_same_exec(0x7ffc0010, 0)) << "it is hidden now";
  EXPECT_TRUE(is_same_exec(0, 0)) << "it is hidden from us";
}

}  // namespace
}  // namespace loopscope
