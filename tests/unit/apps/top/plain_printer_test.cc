#include "apps/loopscope/top/plain_printer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <sstream>

#include "support/sample_top_row.h"

namespace loopscope {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

TopRow compute_row() {
  TopRow row = sample_top_row();
  row.phase_shares = {};
  row.phase_shares[static_cast<std::size_t>(Phase::kPoll)] = 1;
  row.utilization = 0.456;
  row.lag_p99 = 12500us;
  row.backlog->depth = 2;
  row.function = "async compute";
  return row;
}

std::vector<std::string> words(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

TEST(PlainPrinter, ALineHasAWordPerColumnAndTheStallLast) {
  const std::string line = plain_line(compute_row(), "2026-01-02T03:04:05Z");
  EXPECT_THAT(words(line),
              testing::ElementsAre("2026-01-02T03:04:05Z", "api", "4242", "main",
                                   "OOOOOOOOOOOOOOOOOOOO", "45.6", "12.5", "1250.0", "300.0", "3",
                                   "2/511", "2", "async", "compute", "/srv/app/server.js:12"));
  EXPECT_THAT(words(plain_header()),
              testing::ElementsAre("TIME", "PROCESS", "PID", "LOOP", "PHASES", "UTIL%",
                                   "LAG_P99_MS", "LAG_MAX_MS", "BLOCKED_MS", "STALLS/MIN",
                                   "BACKLOG", "SLOT", "LAST_STALL"));
  // The last column stands under its name.
  EXPECT_EQ(line.find("async"), plain_header().find("LAST_STALL"));
}

TEST(PlainPrinter, WhatIsNotKnownIsADash) {
  TopRow row;
  row.loop = "main";
  EXPECT_THAT(words(plain_line(row, "T")), testing::ElementsAre("T", "-", "0", "main", "-", "-",
                                                                "-", "-", "-", "0", "-", "0", "-"));
}

TEST(PlainPrinter, HostileNamesAreOneWordAndText) {
  TopRow row = compute_row();
  row.process = "a b\x1b[2J\nc";
  row.function = "\x1b]0;owned\x07" + std::string(2'000'000, 'x');
  const std::string line = plain_line(row, "T");
  EXPECT_EQ(words(line)[1], "a_b\uFFFD[2J\uFFFDc");
  EXPECT_EQ(words(line)[2], "4242");
  for (const char c : line) EXPECT_TRUE(c < 0 || c >= 0x20);
  EXPECT_LT(line.size(), 1000U);
  EXPECT_THAT(line, HasSubstr("/srv/app/server.js:12"));
}

TEST(PlainPrinter, TheHeaderComesOnceAndRowsByName) {
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* out = ::open_memstream(&text, &size);
  ASSERT_NE(out, nullptr);
  TopRow other = compute_row();
  other.process = "aaa";
  PlainPrinter printer(out);
  EXPECT_TRUE(printer.show({compute_row(), other}, {}));
  EXPECT_TRUE(printer.show({compute_row()}, {}));
  EXPECT_TRUE(printer.show({}, {}));
  std::fclose(out);
  std::vector<std::string> lines;
  std::istringstream in(std::string(text, size));
  std::free(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0], plain_header());
  EXPECT_EQ(words(lines[1])[1], "aaa");
  EXPECT_EQ(words(lines[2])[1], "api");
  EXPECT_EQ(words(lines[1])[0], "1970-01-01T00:00:00Z");
}

TEST(PlainPrinter, AFullDiskIsTheEndAndAProblem) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> full(std::fopen("/dev/full", "w"),
                                                             &std::fclose);
  ASSERT_NE(full, nullptr);
  PlainPrinter printer(full.get());
  EXPECT_EQ(printer.problem(), "");
  EXPECT_FALSE(printer.show({compute_row()}, {}));
  EXPECT_THAT(printer.problem(), HasSubstr("No space left on device"));
}

}  // namespace
}  // namespace loopscope
