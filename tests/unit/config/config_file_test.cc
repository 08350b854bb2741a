#include "config/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "config/config_reader.h"

namespace loopscope {
namespace {

using testing::HasSubstr;

class ConfigFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "loopscope-config-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& name, const std::string& text) const {
    std::string path = directory_ + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  static std::string refusal(const std::string& path) {
    const auto config = read_config_file(path);
    return config ? "accepted" : config.error().message;
  }

  std::string directory_;
};

TEST_F(ConfigFileTest, ReadsAFileAndThroughALink) {
  const std::string path = write("a.yaml", "listen: 127.0.0.1:7\n");
  ASSERT_TRUE(read_config_file(path).ok());
  EXPECT_EQ(read_config_file(path)->listen.port, 7);
  const std::string link = directory_ + "/link.yaml";
  std::filesystem::create_symlink(path, link);
  EXPECT_EQ(refusal(link), "accepted");
  EXPECT_EQ(refusal(write("empty.yaml", "")), "accepted");
}

TEST_F(ConfigFileTest, ErrorsInsideNameThePath) {
  const std::string path = write("bad.yaml", "log_level: info\nlissten: 1\n");
  EXPECT_EQ(refusal(path), path + ":2:1: unknown key \"lissten\"; did you mean listen?");
}

TEST_F(ConfigFileTest, WhatIsNoReadableFileIsRefused) {
  const std::string missing = directory_ + "/missing.yaml";
  EXPECT_EQ(refusal(missing), missing + ": cannot be opened: No such file or directory");
  EXPECT_EQ(refusal(directory_), directory_ + ": is a directory; expected a file");
  EXPECT_EQ(refusal("/dev/zero"), "/dev/zero: is not a regular file");
  const std::string fifo = directory_ + "/fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(refusal(fifo), fifo + ": is not a regular file");
  EXPECT_THAT(refusal(""), HasSubstr("cannot be opened"));
}

TEST_F(ConfigFileTest, LargeAndBinaryFilesAreRefused) {
  const std::string large = write("large.yaml", std::string((1 << 20) + 1, '#'));
  EXPECT_EQ(refusal(large), large + ": is larger than 1048576 bytes");
  EXPECT_EQ(refusal(write("limit.yaml", std::string(1 << 20, '#'))), "accepted");
  const std::string binary = write("program", std::string("\x7f"
                                                          "ELF\2\1\1\0\0\0",
                                                          10));
  EXPECT_THAT(refusal(binary), HasSubstr(binary + ":1:1: this is not a text file"));
}

TEST_F(ConfigFileTest, FilesWithoutASizeAreReadToTheirEnd) {
  const auto text = read_text_file("/proc/self/status", 1 << 20);
  ASSERT_TRUE(text.ok()) << text.error().message;
  EXPECT_THAT(*text, HasSubstr("Name:"));
}

}  // namespace
}  // namespace loopscope
