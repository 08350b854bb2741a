#include "export/stall_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "export/json_api.h"
#include "support/temporary_directory.h"
#include "unit/export/sample_snapshot.h"

namespace loopscope {
namespace {

StallRecord stall(std::uint64_t id) {
  StallRecord result = test::sample_stall();
  result.id = id;
  return result;
}

/// Lets no file of this process grow beyond `bytes` while it lives, as a full disk would.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limited{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limited);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

class StallFileTest : public testing::Test {
 protected:
  std::string path() const { return directory_ / "stalls.jsonl"; }
  std::string rotated(int number) const { return path() + "." + std::to_string(number); }
  StallFile::Tell tell() {
    return [this](const std::string& text) { told_.push_back(text); };
  }
  static std::vector<std::string> lines(const std::string& file) {
    std::ifstream in(file);
    std::vector<std::string> result;
    for (std::string line; std::getline(in, line);) result.push_back(line);
    return result;
  }
  static std::vector<int> ids(const std::string& file) {
    std::vector<int> result;
    for (const std::string& line : lines(file)) {
      const auto parsed = nlohmann::json::parse(line, nullptr, false);
      result.push_back(parsed.is_discarded() ? -1 : parsed["id"].get<int>());
    }
    return result;
  }

  const std::uint64_t line_bytes_ = stall_json(stall(1)).size() + 1;
  TemporaryDirectory directory_;
  std::vector<std::string> told_;
};

TEST_F(StallFileTest, EachStallIsALineThatIsThereAtOnce) {
  StallFile file({.path = path()}, tell());
  EXPECT_TRUE(std::filesystem::exists(path())) << "opened at the start";
  file.write(stall(1));
  EXPECT_EQ(lines(path()), std::vector<std::string>{stall_json(stall(1))});
  file.write(stall(2));
  EXPECT_EQ(ids(path()), (std::vector<int>{1, 2}));
  EXPECT_TRUE(told_.empty());
}

TEST_F(StallFileTest, IsAppendedToAndNotReadableByOthers) {
  const mode_t before = ::umask(0);
  { StallFile({.path = path()}, tell()).write(stall(1)); }
  ::umask(before);
  struct stat status {};
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640U);
  StallFile({.path = path()}, tell()).write(stall(2));
  EXPECT_EQ(ids(path()), (std::vector<int>{1, 2}));
}

TEST_F(StallFileTest, IsRotatedBeforeItIsTooLarge) {
  const StallFileOptions options{.path = path(), .max_bytes = 2 * line_bytes_, .keep = 2};
  StallFile file(options, tell());
  for (int id = 1; id <= 9; ++id) file.write(stall(static_cast<std::uint64_t>(id)));
  EXPECT_EQ(ids(path()), std::vector<int>{9});
  EXPECT_EQ(ids(rotated(1)), (std::vector<int>{7, 8}));
  EXPECT_EQ(ids(rotated(2)), (std::vector<int>{5, 6}));
  EXPECT_FALSE(std::filesystem::exists(rotated(3)));
  EXPECT_TRUE(told_.empty());
}

TEST_F(StallFileTest, CountsWhatWasThereBefore) {
  const StallFileOptions options{.path = path(), .max_bytes = 2 * line_bytes_, .keep = 1};
  for (int id = 1; id <= 3; ++id) {
    StallFile(options, tell()).write(stall(static_cast<std::uint64_t>(id)));
  }
  EXPECT_EQ(ids(path()), std::vector<int>{3});
  EXPECT_EQ(ids(rotated(1)), (std::vector<int>{1, 2}));
}

TEST_F(StallFileTest, OneLineLargerThanTheFileMayBeIsStillWritten) {
  StallFile file({.path = path(), .max_bytes = 10, .keep = 1}, tell());
  file.write(stall(1));
  file.write(stall(2));
  EXPECT_EQ(ids(path()), std::vector<int>{2});
  EXPECT_EQ(ids(rotated(1)), std::vector<int>{1});
}

TEST_F(StallFileTest, ABadPathIsToldOnceAndTheRestOnceItWorks) {
  const std::string inside = directory_ / "later/stalls.jsonl";
  StallFile file({.path = inside}, tell());
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0], "stall log: cannot open " + inside + ": No such file or directory");
  for (int i = 0; i < 5; ++i) file.write(stall(1));
  EXPECT_EQ(told_.size(), 1U);
  std::filesystem::create_directory(directory_ / "later");
  file.write(stall(6));
  EXPECT_EQ(ids(inside), std::vector<int>{6});
  ASSERT_EQ(told_.size(), 2U);
  EXPECT_EQ(told_[1], "stall log: " + inside + " is written again; stalls left out: 5");
}

TEST_F(StallFileTest, LinksAndWhatIsNoFileAreRefused) {
  std::filesystem::create_symlink(directory_ / "elsewhere", path());
  StallFile link({.path = path()}, tell());
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_NE(told_[0].find("symbolic link"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(directory_ / "elsewhere"));

  const std::string fifo = directory_ / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  StallFile waits_for_nobody({.path = fifo}, tell());
  EXPECT_EQ(told_.size(), 2U);
  StallFile device({.path = "/dev/null"}, tell());
  ASSERT_EQ(told_.size(), 3U);
  EXPECT_EQ(told_[2], "stall log: /dev/null is not a regular file");
}

TEST_F(StallFileTest, AFullDiskCostsTheStallsOfThatTimeOnly) {
  StallFile file({.path = path()}, tell());
  file.write(stall(1));
  {
    const FullDisk disk(line_bytes_ + 20);
    file.write(stall(2));  // in part
    file.write(stall(3));
  }
  EXPECT_EQ(told_.size(), 1U);
  file.write(stall(4));
  EXPECT_EQ(ids(path()), (std::vector<int>{1, -1, 4}));
  ASSERT_EQ(told_.size(), 2U);
  EXPECT_NE(told_[1].find("left out: 2"), std::string::npos);
}

TEST_F(StallFileTest, WhatCannotBeRotatedDoesNotGrow) {
  std::filesystem::create_directories(rotated(1) + "/in the way");
  StallFile file({.path = path(), .max_bytes = line_bytes_, .keep = 1}, tell());
  for (int i = 1; i <= 4; ++i) file.write(stall(1));
  EXPECT_EQ(lines(path()).size(), 1U);
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_NE(told_[0].find("cannot rotate " + path()), std::string::npos);
  std::filesystem::remove_all(rotated(1));
  file.write(stall(5));
  EXPECT_EQ(ids(path()), std::vector<int>{5});
}

TEST_F(StallFileTest, LinesOfSeveralThreadsStayWhole) {
  StallFile file({.path = path(), .max_bytes = 30 * line_bytes_, .keep = 20}, tell());
  std::vector<std::thread> threads;
  threads.reserve(3);
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&file] {
      for (int i = 0; i < 100; ++i) file.write(stall(1));
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory_ / "")) {
    const std::vector<int> found = ids(entry.path());
    EXPECT_EQ(std::count(found.begin(), found.end(), 1), static_cast<long>(found.size()));
    count += found.size();
  }
  EXPECT_EQ(count, 300U);
}

}  // namespace
}  // namespace loopscope
