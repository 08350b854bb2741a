#include "culprit/native/perf_map.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "support/child_process.h"
#include "support/temporary_directory.h"

namespace loopscope {
namespace {

class PerfMapFile : public ::testing::Test {
 protected:
  std::filesystem::path path() const { return directory_ / "perf-1.map"; }
  void append(const std::string& text) const { std::ofstream(path(), std::ios::app) << text; }
  PerfMap open() const {
    return PerfMap(UniqueFd(::open(path().c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0600)));
  }
  static std::string name_at(PerfMap& map, std::uint64_t pc) {
    const auto frame = map.find(pc);
    return frame ? frame->function : "-";
  }

 private:
  TemporaryDirectory directory_;
};

std::string shown(std::string_view name) {
  const StackFrame frame = parse_perf_map_name(name);
  return frame.function + "|" + frame.file + "|" + std::to_string(frame.line);
}

TEST(PerfMapName, IsTakenApartWhereItIsV8s) {
  EXPECT_EQ(shown("JS:*fib /srv/a.js:3:13"), "fib|/srv/a.js|3");
  EXPECT_EQ(shown("LazyCompile:~fib /srv/a b.js:3"), "fib|/srv/a b.js|3");
  EXPECT_EQ(shown("JS:^get size file:///srv/a.mjs:10:5"), "get size|/srv/a.mjs|10");
  EXPECT_EQ(shown("Function:+emit node:events:465:44"), "emit|node:events|465");
  EXPECT_EQ(shown("JS:~ /srv/a.js:1:1"), "|/srv/a.js|1");
  EXPECT_EQ(shown("JS:*fib"), "fib||0");
}

TEST(PerfMapName, IsAFunctionOtherwise) {
  EXPECT_EQ(shown("Builtin:ArrayMap"), "Builtin:ArrayMap||0");
  EXPECT_EQ(shown("int com.example.Main::run(int)"), "int com.example.Main::run(int)||0");
  EXPECT_EQ(shown(""), "||0");
  EXPECT_EQ(shown("JS:"), "||0");
  EXPECT_EQ(shown("JS:*a\nb\x01 /x.js:99999999999999999999"), "a?b? /x.js:99999999999999999999||0");
  EXPECT_LE(parse_perf_map_name(std::string(100000, 'x')).function.size(), 256u);
  EXPECT_EQ(parse_perf_map_name("a").kind, "js");
}

TEST_F(PerfMapFile, FindsCodeByItsExtent) {
  append("1000 100 JS:*a /a.js:1:2\n0x2000 0x10 b\n");
  PerfMap map = open();
  EXPECT_EQ(name_at(map, 0xfff), "-");
  EXPECT_EQ(name_at(map, 0x1000), "a");
  EXPECT_EQ(name_at(map, 0x10ff), "a");
  EXPECT_EQ(name_at(map, 0x1100), "-");
  EXPECT_EQ(name_at(map, 0x200f), "b");
}

TEST_F(PerfMapFile, FollowsItAsItGrows) {
  PerfMap map = open();
  EXPECT_EQ(name_at(map, 0x1000), "-");
  append("1000 10 first\n1010 10 half");
  EXPECT_EQ(name_at(map, 0x1000), "first");
  EXPECT_EQ(name_at(map, 0x1010), "-");
  append(" a line\n");
  EXPECT_EQ(name_at(map, 0x1010), "half a line");
  std::filesystem::resize_file(path(), 0);
  append("1000 10 anew\n");
  EXPECT_EQ(name_at(map, 0x1000), "anew");
  EXPECT_EQ(name_at(map, 0x1010), "-");
}

TEST_F(PerfMapFile, ForgetsCodeThatWasWrittenOver) {
  append("1000 100 old\n1200 10 other\n10f0 20 new\n");
  PerfMap map = open();
  EXPECT_EQ(name_at(map, 0x1000), "-");  // gone as a whole: half a function is none
  EXPECT_EQ(name_at(map, 0x10f8), "new");
  EXPECT_EQ(name_at(map, 0x1200), "other");
}

TEST_F(PerfMapFile, LeavesOutLinesOfNoUse) {
  append(
      "\n \nx\n10\n10 \n10 10\n10 10 \n10 0 empty\nffffffffffffffff 10 wraps\n-10 10 minus\n"
      "fffffffffffffffff 1 long\n");
  append(std::string(200000, 'y') + "\n" + std::string(70000, '\0') + "\n3000 10 good\n");
  PerfMap map = open();
  EXPECT_EQ(name_at(map, 0x3008), "good");
  EXPECT_EQ(map.size(), 1u);
}

TEST_F(PerfMapFile, IsBounded) {
  std::string text;
  for (std::size_t i = 0; i < PerfMap::kMaxEntries + 10; ++i) {
    char line[64];
    std::snprintf(line, sizeof line, "%zx 10 f\n", 0x10000 + i * 16);
    text += line;
  }
  append(text);
  PerfMap map = open();
  EXPECT_EQ(name_at(map, 0x10000), "f");
  EXPECT_EQ(map.size(), PerfMap::kMaxEntries);
  std::filesystem::resize_file(path(), PerfMap::kMaxFileSize + 1);
  EXPECT_EQ(name_at(map, 0x10000), "-");
}

TEST(PerfMap, OpensOnlyARegularFileOfTheTarget) {
  ChildProcess child([](const ChildProcess::Channel& parent) { parent.hear(); });
  const std::string path = "/tmp/perf-" + std::to_string(child.pid()) + ".map";
  EXPECT_FALSE(PerfMap::open(child.pid()).has_file());
  std::ofstream(path) << "1000 10 f\n";
  EXPECT_TRUE(PerfMap::open(child.pid()).has_file());
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(path.c_str(), 4242, 4242), 0);
    EXPECT_FALSE(PerfMap::open(child.pid()).has_file());
  }
  std::filesystem::remove(path);
  std::filesystem::create_symlink("/etc/passwd", path);
  EXPECT_FALSE(PerfMap::open(child.pid()).has_file());
  std::filesystem::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_FALSE(PerfMap::open(child.pid()).has_file());
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace loopscope
