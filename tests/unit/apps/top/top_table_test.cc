#include "apps/loopscope/top/top_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "support/sample_top_row.h"

namespace loopscope {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

std::string text_of_line(const ScreenLine& line) {
  std::string text;
  for (const StyledText& piece : line) text += piece.text;
  return text;
}

std::set<TopField> fields(const std::vector<TopColumn>& columns) {
  std::set<TopField> out;
  for (const TopColumn& column : columns) out.insert(column.field);
  return out;
}

TEST(TopTable, AWideTerminalHasAllColumns) {
  const auto columns = top_columns(140);
  EXPECT_EQ(columns.size(), 12U);
  const std::string header = text_of_line(top_header(columns, TopSortKey::kLag));
  for (const char* title : {"PROCESS", "PID", "LOOP", "PHASES", "UTIL", "LAGP99", "LAGMAX",
                            "BLOCKED", "ST/MIN", "BACKLOG", "SLOT", "LAST STALL"}) {
    EXPECT_THAT(header, HasSubstr(title));
  }
  const std::string cells = text_of_line(top_cells(sample_top_row(), columns, Charset::kUtf8));
  for (const char* cell : {"api", "4242", "main", "OOOOOOOOOO..........", "50%", "12ms", "1.25s",
                           "300ms", "3", "500/511", "compute server.js:12"}) {
    EXPECT_THAT(cells, HasSubstr(cell));
  }
}

TEST(TopTable, NarrowTerminalsDropTheLeastTelling) {
  EXPECT_FALSE(fields(top_columns(80)).contains(TopField::kLagP99));
  EXPECT_TRUE(fields(top_columns(80)).contains(TopField::kLastStall));
  EXPECT_TRUE(fields(top_columns(80)).contains(TopField::kBacklog));
  EXPECT_EQ(fields(top_columns(30)),
            (std::set{TopField::kProcess, TopField::kBlocked, TopField::kLagMax}));
  EXPECT_EQ(fields(top_columns(8)), std::set{TopField::kProcess});
  EXPECT_TRUE(top_columns(7).empty());
  EXPECT_TRUE(top_columns(0).empty());
}

TEST(TopTable, WhatANarrowOneHasAWideOneHasToo) {
  for (std::size_t width = 1; width < 200; ++width) {
    for (const TopField field : fields(top_columns(width - 1))) {
      EXPECT_TRUE(fields(top_columns(width)).contains(field)) << width;
    }
  }
}

TEST(TopTable, LinesFitAtEveryWidth) {
  TopRow hostile = sample_top_row();
  hostile.process = "\x1b[31m計算計算計算計算計算計算";
  hostile.function = std::string(100'000, 'x');
  hostile.backlog = TopBacklog{.depth = 4'000'000'000, .limit = 4'000'000'000};
  hostile.lag_max = 10000h;
  for (std::size_t width = 0; width < 200; ++width) {
    const auto columns = top_columns(width);
    for (const ScreenLine& line :
         {top_header(columns, TopSortKey::kName), top_cells(hostile, columns, Charset::kUtf8)}) {
      const std::string text = text_of_line(line);
      EXPECT_LE(text_width(text, Charset::kUtf8), width);
      EXPECT_EQ(text.find('\x1b'), std::string::npos);
    }
  }
}

TEST(TopTable, PhasesAreTheirOwnStyle) {
  const ScreenLine line = top_cells(
      sample_top_row(), {{TopField::kPhases, 4}, {TopField::kBacklog, 9}}, Charset::kUtf8);
  ASSERT_EQ(line.size(), 4U);
  EXPECT_EQ(line[0].text, "OO");
  EXPECT_EQ(line[0].style, TextStyle::kPoll);
  EXPECT_EQ(line[1].text, "..");
  EXPECT_EQ(line[1].style, TextStyle::kPollWait);
  EXPECT_EQ(line[3].style, TextStyle::kWarning);
}

TEST(TopTable, WhatIsNotKnownIsADash) {
  TopRow row;
  row.process = "api";
  const auto columns = top_columns(140);
  const std::string cells = text_of_line(top_cells(row, columns, Charset::kUtf8));
  EXPECT_THAT(cells, HasSubstr(" - "));
  EXPECT_EQ(cells.find('%'), std::string::npos);
}

TEST(TopTable, DurationsAreShort) {
  EXPECT_EQ(short_duration(0ns), "0");
  EXPECT_EQ(short_duration(1ns), "0.0ms");
  EXPECT_EQ(short_duration(4200us), "4.2ms");
  EXPECT_EQ(short_duration(9940us), "9.9ms");
  EXPECT_EQ(short_duration(9960us), "10ms");
  EXPECT_EQ(short_duration(450ms), "450ms");
  EXPECT_EQ(short_duration(999400us), "999ms");
  EXPECT_EQ(short_duration(999600us), "1.00s");
  EXPECT_EQ(short_duration(1250ms), "1.25s");
  EXPECT_EQ(short_duration(12500ms), "12.5s");
  EXPECT_EQ(short_duration(185s), "3m05s");
  EXPECT_EQ(short_duration(5999s), "99m59s");
  EXPECT_EQ(short_duration(130min), "2h10m");
  EXPECT_EQ(short_duration(99h + 59min), "99h59m");
  EXPECT_EQ(short_duration(240h), "10d");
  for (Nanos time = 1us; time < 100000h; time = time * 17 / 16 + 1ns) {
    EXPECT_LE(short_duration(time).size(), 6U) << time.count();
  }
}

TEST(TopTable, TheLastStallIsAFunctionAPlaceOrAReason) {
  TopRow row = sample_top_row();
  const auto text = [&row](std::size_t width = 60) {
    return last_stall_text(row, width, Charset::kUtf8);
  };
  EXPECT_EQ(text(), "compute server.js:12");
  row.line = 0;
  EXPECT_EQ(text(), "compute server.js");
  row.file.clear();
  EXPECT_EQ(text(), "compute");
  row.function.clear();
  row.why = "read /tmp/fifo";
  EXPECT_EQ(text(), "read /tmp/fifo");
  row.why.clear();
  EXPECT_EQ(text(), "");
}

TEST(TopTable, ALongFunctionLeavesRoomForItsPlaceWhereThereIsSome) {
  TopRow row = sample_top_row();
  row.function = "parseEveryRequestBody";
  const auto text = [&row](std::size_t width) {
    return last_stall_text(row, width, Charset::kUtf8);
  };
  EXPECT_EQ(text(34), "parseEveryRequestBody server.js:12");
  EXPECT_EQ(text(33), "parseEveryRequestBo… server.js:12");
  EXPECT_EQ(text(25), "parseEveryR… server.js:12");
  EXPECT_EQ(text(24), "parseEveryRequestBody");
  EXPECT_EQ(text(12), "parseEveryR…");
  row.file = "/srv/" + std::string(300, 'x') + ".js";
  EXPECT_THAT(text(60), HasSubstr("parseEveryRequest… …xx"));
  EXPECT_TRUE(text(60).ends_with("x.js:12")) << text(60);
  EXPECT_LE(text_width(text(60), Charset::kUtf8), 60U);
}

}  // namespace
}  // namespace loopscope
