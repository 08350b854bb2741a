#include "engine/stall_reporter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <new>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "support/fake_clock.h"
#include "support/temporary_directory.h"

namespace loopscope {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using namespace std::chrono_literals;

StallRecord stall(std::string function) {
  StallRecord result;
  result.id = 1;
  result.process = "shop";
  result.pid = 42;
  result.loop = "main";
  result.duration = 1500ms;
  result.phase = Phase::kPoll;
  result.cause = Cause::kBlocked;
  result.function = std::move(function);
  if (!result.function.empty()) {
    result.file = "/srv/app.js";
    result.line = 10;
  }
  return result;
}

class StallReporterTest : public testing::Test {
 protected:
  StallReporter& reporter() { return *reporter_; }
  /// Ends the reporter: all is told then.
  const std::vector<std::string>& lines() {
    reporter_.reset();
    return lines_;
  }

  FakeClock clock_;
  std::vector<std::string> lines_;
  std::vector<nlohmann::ordered_json> fields_;
  std::vector<std::string> warnings_;
  TemporaryDirectory directory_;
  std::unique_ptr<StallReporter> reporter_ = std::make_unique<StallReporter>(
      clock_,
      [this](const std::string& text, const nlohmann::ordered_json& fields) {
        lines_.push_back(text);
        fields_.push_back(fields);
      },
      [this](const std::string& text) { warnings_.push_back(text); });
};

TEST_F(StallReporterTest, ALineSaysWhoBlockedWhatForHowLongAndWhy) {
  StallRecord full = stall("compute");
  full.detail = "read /tmp/fifo";
  StallRecord in_progress = stall("compute");
  in_progress.in_progress = true;
  reporter().report(in_progress);
  reporter().report(full);
  reporter().report(stall(""));
  EXPECT_THAT(lines(),
              ElementsAre("stall: shop pid 42 loop main blocked 1500 ms in poll (blocked): "
                          "compute /srv/app.js:10: read /tmp/fifo",
                          "stall: shop pid 42 loop main blocked 1500 ms in poll (blocked)"));
  EXPECT_EQ(fields_.at(0),
            nlohmann::ordered_json::parse(
                R"({"process": "shop", "pid": 42, "loop": "main", "duration_seconds": 1.5,
                    "phase": "poll", "cause": "blocked", "function": "compute",
                    "file": "/srv/app.js", "line": 10, "detail": "read /tmp/fifo"})"));
  EXPECT_FALSE(fields_.at(1).contains("function"));
}

TEST_F(StallReporterTest, ALineSaysInWhichPodItWas) {
  StallRecord inside = stall("compute");
  inside.labels = {{"container", "server"}, {"namespace", "shop"}, {"pod", "cart-7d9f"}};
  reporter().report(inside);
  EXPECT_THAT(lines(), ElementsAre("stall: shop pid 42 pod shop/cart-7d9f (server) loop main "
                                   "blocked 1500 ms in poll (blocked): compute /srv/app.js:10"));
  EXPECT_EQ(fields_.at(0),
            nlohmann::ordered_json::parse(
                R"({"process": "shop", "pid": 42, "namespace": "shop", "pod": "cart-7d9f",
                    "container": "server", "loop": "main", "duration_seconds": 1.5,
                    "phase": "poll", "cause": "blocked", "function": "compute",
                    "file": "/srv/app.js", "line": 10})"));
}

TEST_F(StallReporterTest, ALineOfGeneratedTextIsMarked) {
  StallRecord compiled = stall("rank");
  compiled.line = 0;
  compiled.generated_line = 3;
  reporter().report(compiled);
  ASSERT_THAT(lines(), SizeIs(1));
  EXPECT_THAT(lines_[0], HasSubstr("rank /srv/app.js (generated line 3)"));
  EXPECT_FALSE(fields_[0].contains("line"));
  EXPECT_EQ(fields_[0]["generated_line"], 3);
}

TEST_F(StallReporterTest, AFunctionThatBlocksAgainAndAgainIsToldNowAndThen) {
  const auto burst = static_cast<int>(StallReporter::kBurst);
  for (int i = 0; i < burst + 17; ++i) reporter().report(stall("hot"));
  reporter().report(stall("other"));
  clock_.advance(StallReporter::kInterval);
  reporter().report(stall("hot"));
  reporter().report(stall("hot"));
  ASSERT_THAT(lines(), SizeIs(burst + 2));
  EXPECT_THAT(lines_[static_cast<std::size_t>(burst)], HasSubstr("other"));
  EXPECT_THAT(lines_.back(), HasSubstr("hot /srv/app.js:10 (and 17 more like it)"));
  EXPECT_EQ(fields_.back()["suppressed"], 17);
}

TEST_F(StallReporterTest, ManyLinesOfOneFunctionAreOneFunction) {
  const auto at = [](int line, int begins) {
    StallRecord result = stall("<anonymous>");
    result.line = line;
    result.function_line = begins;
    return result;
  };
  for (int i = 0; i < 100; ++i) reporter().report(at(100 + i, 90));
  reporter().report(at(301, 300));
  ASSERT_THAT(lines(), SizeIs(StallReporter::kBurst + 1));
  EXPECT_THAT(lines_.back(), HasSubstr("/srv/app.js:301"));
}

TEST_F(StallReporterTest, StallsWithoutAFunctionAreLikeThoseOfTheSameLoop) {
  StallRecord elsewhere = stall("");
  elsewhere.loop = "worker-1";
  for (int i = 0; i < 20; ++i) reporter().report(stall(""));
  reporter().report(elsewhere);
  ASSERT_THAT(lines(), SizeIs(StallReporter::kBurst + 1));
  EXPECT_THAT(lines_.back(), HasSubstr("worker-1"));
}

TEST_F(StallReporterTest, EverNewNamesDoNotGetAroundTheLimit) {
  const std::size_t names = StallReporter::kMaxFunctions;
  for (std::size_t i = 0; i < names + 200; ++i) {
    reporter().report(stall("f" + std::to_string(i)));
  }
  clock_.advance(StallReporter::kInterval * static_cast<int>(StallReporter::kBurst));
  reporter().report(stall("later"));
  ASSERT_THAT(lines(), SizeIs(names + StallReporter::kBurst + 1));
  EXPECT_THAT(lines_.back(), HasSubstr("later"));
}

TEST_F(StallReporterTest, TheFileGetsEveryStall) {
  const std::string path = directory_ / "stalls.jsonl";
  reporter().report(stall("before"));
  reporter().set_file({.file = path});
  for (int i = 0; i < 20; ++i) reporter().report(stall("hot"));
  reporter().set_file({});
  reporter().report(stall("after"));
  EXPECT_THAT(lines(), SizeIs(StallReporter::kBurst + 2));
  std::ifstream in(path);
  int count = 0;
  for (std::string line; std::getline(in, line); ++count) {
    EXPECT_EQ(nlohmann::json::parse(line)["function"], "hot");
  }
  EXPECT_EQ(count, 20);
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(StallReporterTest, AFileThatCannotBeWrittenIsToldOnce) {
  reporter().set_file({.file = directory_ / "missing/stalls.jsonl"});
  for (int i = 0; i < 3; ++i) reporter().report(stall("hot"));
  EXPECT_THAT(lines(), SizeIs(3));
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("missing/stalls.jsonl: No such file")));
}

TEST_F(StallReporterTest, ALineThatEndsInAnExceptionCostsItself) {
  int told = 0;
  {
    StallReporter failing(
        clock_,
        [&told](const std::string&, const nlohmann::ordered_json&) {
          if (++told == 1) throw std::bad_alloc();
        },
        nullptr);
    failing.report(stall("first"));
    failing.report(stall("second"));
  }
  EXPECT_EQ(told, 2);
}

TEST_F(StallReporterTest, OfManyReloadsTheLastFileCounts) {
  const std::string path = directory_ / "stalls.jsonl";
  for (int i = 0; i < 1000; ++i) {
    reporter().set_file({.file = directory_ / ("missing/" + std::to_string(i))});
  }
  reporter().set_file({.file = path});
  reporter().report(stall("hot"));
  EXPECT_THAT(lines(), SizeIs(1));
  EXPECT_TRUE(std::ifstream(path).good());
}

}  // namespace
}  // namespace loopscope
