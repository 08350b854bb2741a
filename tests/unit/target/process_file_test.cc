#include "target/process_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "support/child_process.h"
#include "support/temporary_directory.h"

namespace loopscope {
namespace {

class ProcessFileTest : public ::testing::Test {
 protected:
  std::string file(const std::string& name) {
    const std::string path = (directory_ / name).string();
    std::ofstream(path) << "text";
    return path;
  }
  static bool opens(int pid, const std::string& path) {
    const auto opened = open_process_file(pid, path);
    return opened && opened->valid();
  }
  static bool opens(const std::string& path) { return opens(::getpid(), path); }

  TemporaryDirectory directory_;
};

TEST_F(ProcessFileTest, OpensRegularFilesOnly) {
  EXPECT_TRUE(opens(file("app.js")));
  EXPECT_FALSE(opens("app.js"));
  EXPECT_FALSE(opens((directory_ / "gone").string()));
  EXPECT_FALSE(opens((directory_ / ".").string()));
  const std::string fifo = (directory_ / "fifo").string();
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_FALSE(opens(fifo)) << "and does not wait for a writer";
  EXPECT_FALSE(opens("/dev/zero"));
}

TEST_F(ProcessFileTest, FollowsLinksButNotThoseOfProc) {
  const std::string path = file("app.js");
  const std::string link = (directory_ / "link.js").string();
  std::filesystem::create_symlink(path, link);
  EXPECT_TRUE(opens(link));
  EXPECT_FALSE(opens("/proc/self/root" + path));
  EXPECT_FALSE(opens("/proc/self/exe"));
}

TEST_F(ProcessFileTest, OpensWhatTheProcessMayRead) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be another user's process";
  const std::string mine = file("mine");
  const std::string everybodys = file("everybodys");
  const std::string groups = file("groups");
  constexpr unsigned kNobody = 65534;
  ASSERT_EQ(::chmod(mine.c_str(), 0600), 0);
  ASSERT_EQ(::chmod(everybodys.c_str(), 0644), 0);
  ASSERT_EQ(::chown(groups.c_str(), 0, kNobody), 0);
  ASSERT_EQ(::chmod(groups.c_str(), 0640), 0);
  const ChildProcess child([](const ChildProcess::Channel& parent) {
    if (::setresgid(kNobody, kNobody, kNobody) != 0) return;
    if (::setresuid(kNobody, kNobody, kNobody) != 0) return;
    parent.say('r');
    parent.hear();
  });
  ASSERT_EQ(child.hear(), 'r');
  EXPECT_FALSE(opens(child.pid(), mine));
  EXPECT_TRUE(opens(child.pid(), everybodys));
  EXPECT_TRUE(opens(child.pid(), groups));
  EXPECT_TRUE(opens(mine));
}

}  // namespace
}  // namespace loopscope
