#include "log/logging.h"

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>
#include <vector>

#include "base/guarded.h"

namespace loopscope {
namespace {

TEST(Printable, WhatATerminalWouldObeyIsReplaced) {
  EXPECT_EQ(printable("/srv/app.js:12 función 函数"), "/srv/app.js:12 función 函数");
  const std::string hostile = printable("red\x1b[31m\n\u202enoitcnuf\u2066 \xff end");
  EXPECT_EQ(hostile.find('\x1b'), std::string::npos);
  EXPECT_EQ(hostile.find('\n'), std::string::npos);
  EXPECT_EQ(hostile.find("\u202e"), std::string::npos);
  EXPECT_EQ(hostile.find("\u2066"), std::string::npos);
  EXPECT_EQ(hostile.find('\xff'), std::string::npos);
  EXPECT_NE(hostile.find("[31m"), std::string::npos) << "what is harmless stays";
  EXPECT_TRUE(hostile.ends_with(" end"));
}

TEST(Printable, LongLinesAreWhole) {
  const std::string line(100'000, 'x');
  EXPECT_EQ(printable(line), line);
}

std::vector<std::string> captured_lines() {
  flush_log();
  std::istringstream in(testing::internal::GetCapturedStderr());
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

TEST(Logging, FormatAndLevelChangeWhileOthersLog) {
  testing::internal::CaptureStderr();
  set_up_logging(LogFormat::kText, LogLevel::kInfo);
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  constexpr int kThreads = 3;
  constexpr int kLines = 300;
  threads.reserve(kThreads + 1);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([] {
      for (int line = 0; line < kLines; ++line) {
        log_with_fields("said", {{"number", line}});
        spdlog::debug("sometimes");
      }
    });
  }
  threads.emplace_back([&stop] {
    for (bool json = true; !stop; json = !json) {
      set_up_logging(json ? LogFormat::kJson : LogFormat::kText,
                     json ? LogLevel::kDebug : LogLevel::kInfo);
    }
  });
  for (int i = 0; i < kThreads; ++i) threads[static_cast<std::size_t>(i)].join();
  stop = true;
  threads.back().join();
  set_up_logging(LogFormat::kText, LogLevel::kInfo);

  int said = 0;
  for (const std::string& line : captured_lines()) {
    if (line.starts_with('{')) {
      const auto object = nlohmann::json::parse(line, nullptr, false);
      ASSERT_TRUE(object.is_object()) << line;
      if (object["message"] == "said") ++said;
      EXPECT_EQ(object.contains("number"), object["message"] == "said") << line;
    } else if (line.ends_with(" info said")) {
      ++said;
    } else {
      EXPECT_TRUE(line.ends_with(" debug sometimes")) << line;
    }
  }
  EXPECT_EQ(said, kThreads * kLines);
}

TEST(Logging, ATaskThatFailsAgainAndAgainIsToldNowAndThen) {
  testing::internal::CaptureStderr();
  set_up_logging(LogFormat::kText, LogLevel::kInfo);
  for (int i = 0; i < 50; ++i) run_guarded("looking", [] { throw std::bad_alloc(); });
  const auto lines = captured_lines();
  ASSERT_FALSE(lines.empty());
  EXPECT_LE(lines.size(), 5U);
  EXPECT_TRUE(lines[0].ends_with(" error looking: std::bad_alloc; left out this time")) << lines[0];
}

}  // namespace
}  // namespace loopscope
