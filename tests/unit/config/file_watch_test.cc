#include "config/file_watch.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "support/temporary_directory.h"

namespace loopscope {
namespace {

namespace fs = std::filesystem;

class FileWatchTest : public testing::Test {
 protected:
  FileWatchTest() { write("one"); }

  void write(const std::string& text) const { std::ofstream(path()) << text; }
  void replace(const std::string& text) const {
    std::ofstream(directory_ / "new") << text;
    fs::rename(directory_ / "new", path());
  }
  std::string path() const { return directory_ / "file"; }
  FileWatch make() const { return {path(), 1000}; }

  TemporaryDirectory directory_;
};

/// A change counts once it was seen twice.
testing::AssertionResult notices_once(FileWatch& watch) {
  if (watch.has_changed()) return testing::AssertionFailure() << "at the first look";
  if (!watch.has_changed()) return testing::AssertionFailure() << "not at the second look";
  if (watch.has_changed()) return testing::AssertionFailure() << "again at the third look";
  return testing::AssertionSuccess();
}

testing::AssertionResult notices_nothing(FileWatch& watch) {
  for (int look = 0; look < 3; ++look) {
    if (watch.has_changed()) return testing::AssertionFailure() << "at look " << look;
  }
  return testing::AssertionSuccess();
}

TEST_F(FileWatchTest, NoticesOtherContentHoweverItCame) {
  FileWatch watch = make();
  EXPECT_TRUE(notices_nothing(watch));
  write("two");
  EXPECT_TRUE(notices_once(watch));
  replace("six");
  EXPECT_TRUE(notices_once(watch));
}

TEST_F(FileWatchTest, TheSameContentIsNoChange) {
  FileWatch watch = make();
  replace("one");
  EXPECT_TRUE(notices_nothing(watch));
  write("one");
  EXPECT_TRUE(notices_nothing(watch));
}

TEST_F(FileWatchTest, NoticesWhatWasMadeToLookOlder) {
  FileWatch watch = make();
  struct stat before {};
  ASSERT_EQ(::stat(path().c_str(), &before), 0);
  write("two");
  const std::array<timespec, 2> times = {before.st_atim, before.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, path().c_str(), times.data(), 0), 0);
  EXPECT_TRUE(notices_once(watch));
  replace("six");
  const std::array<timespec, 2> epoch = {};
  ASSERT_EQ(::utimensat(AT_FDCWD, path().c_str(), epoch.data(), 0), 0);
  EXPECT_TRUE(notices_once(watch));
}

TEST_F(FileWatchTest, FollowsLinksAsKubernetesSwapsThem) {
  for (const char* version : {"..1", "..2"}) {
    fs::create_directory(directory_ / version);
    std::ofstream(directory_ / version / "key") << version;
  }
  fs::create_directory_symlink("..1", directory_ / "..data");
  fs::create_symlink("..data/key", directory_ / "key");
  FileWatch watch(directory_ / "key", 1000);
  fs::create_directory_symlink("..2", directory_ / "..data_tmp");
  fs::rename(directory_ / "..data_tmp", directory_ / "..data");
  fs::remove_all(directory_ / "..1");
  EXPECT_TRUE(notices_once(watch));
}

TEST_F(FileWatchTest, NoticesThatAFileComesAndGoes) {
  FileWatch watch = make();
  fs::remove(path());
  EXPECT_TRUE(notices_once(watch));
  write("one");
  EXPECT_TRUE(notices_once(watch));
  fs::remove(path());
  EXPECT_FALSE(watch.has_changed());
  write("one");  // it was gone for a moment only
  EXPECT_TRUE(notices_nothing(watch));
}

TEST_F(FileWatchTest, WaitsForWhoIsStillWriting) {
  FileWatch watch = make();
  for (const char* text : {"h", "ha", "hal"}) {
    write(text);
    EXPECT_FALSE(watch.has_changed());
  }
  EXPECT_TRUE(watch.has_changed());
}

TEST_F(FileWatchTest, NoticesWhatIsRewrittenAllTheTime) {
  FileWatch watch = make();
  replace("two");
  EXPECT_FALSE(watch.has_changed());
  replace("two");
  EXPECT_TRUE(watch.has_changed());
  replace("two");
  EXPECT_TRUE(notices_nothing(watch));
}

TEST_F(FileWatchTest, WhatIsMarkedIsKnown) {
  FileWatch watch = make();
  write("two");
  watch.mark();
  EXPECT_TRUE(notices_nothing(watch));
  write("one");
  EXPECT_FALSE(watch.has_changed());
  watch.mark();
  EXPECT_TRUE(notices_nothing(watch));
}

TEST_F(FileWatchTest, WhatIsTooLargeToBeReadIsOneContent) {
  write(std::string(2000, 'a'));
  FileWatch watch = make();
  write(std::string(3000, 'b'));
  EXPECT_TRUE(notices_nothing(watch));
  write("one");
  EXPECT_TRUE(notices_once(watch));
}

}  // namespace
}  // namespace loopscope
