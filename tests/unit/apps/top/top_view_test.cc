#include "apps/loopscope/top/top_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/terminal_text.h"

namespace loopscope {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using namespace std::chrono_literals;

std::vector<TopRow> numbered(int count) {
  std::vector<TopRow> rows(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    TopRow& row = rows[static_cast<std::size_t>(i)];
    row.process = "p" + std::to_string(100 + i);
    row.pid = i + 1;
    row.loop = "main";
  }
  return rows;
}

std::vector<std::string> screen(TopView& view, std::size_t width = 140, std::size_t height = 24) {
  std::vector<std::string> texts;
  for (const ScreenLine& line : view.lines(width, height)) {
    std::string& text = texts.emplace_back();
    for (const StyledText& piece : line) text += piece.text;
  }
  return texts;
}

/// The names of the processes shown, from the top.
std::vector<std::string> shown(TopView& view, std::size_t height) {
  std::vector<std::string> names;
  for (const std::string& line : screen(view, 140, height)) {
    if (line.starts_with('p') && line[1] == '1') names.push_back(line.substr(0, 4));
  }
  return names;
}

void type(TopView& view, char character) {
  EXPECT_TRUE(view.press({KeyPress::Kind::kCharacter, character}));
}

TEST(TopView, BeforeAnyFiguresItSaysThatItIsLooking) {
  TopView view(Charset::kUtf8);
  EXPECT_THAT(screen(view), Contains(HasSubstr("looking for event loops")));
  view.set_rows({});
  EXPECT_THAT(screen(view), Contains(HasSubstr("loopscope doctor")));
  view.set_rows(numbered(1));
  EXPECT_THAT(screen(view), Not(Contains(HasSubstr("loopscope doctor"))));
}

TEST(TopView, TheScreenIsFilledFromSummaryToHelp) {
  TopView view(Charset::kUtf8);
  auto rows = numbered(2);
  rows[0].blocked = 60ms;
  view.set_rows(rows);
  const auto lines = screen(view);
  ASSERT_EQ(lines.size(), 24U);
  EXPECT_THAT(lines[0], HasSubstr("2 loops in 2 processes, 1 blocked"));
  EXPECT_THAT(lines[1], StartsWith("PROCESS"));
  EXPECT_THAT(lines[2], StartsWith("p100"));
  EXPECT_THAT(lines[23], HasSubstr("q quit"));
}

TEST(TopView, SortKeysChangeTheOrder) {
  TopView view(Charset::kUtf8);
  auto rows = numbered(3);
  rows[1].lag_max = 1s;
  rows[2].stalls = 9;
  view.set_rows(rows);
  EXPECT_EQ(shown(view, 24).front(), "p101");
  type(view, 's');
  EXPECT_EQ(shown(view, 24).front(), "p102");
  EXPECT_THAT(screen(view)[0], HasSubstr("sorted by stalls"));
  type(view, 'n');
  EXPECT_EQ(shown(view, 24).front(), "p100");
  type(view, 'r');
  EXPECT_EQ(shown(view, 24).front(), "p102");
  EXPECT_THAT(screen(view)[0], HasSubstr("reversed"));
  // It stays so with the next figures.
  view.set_rows(rows);
  EXPECT_EQ(shown(view, 24).front(), "p102");
}

TEST(TopView, APausedViewKeepsItsRows) {
  TopView view(Charset::kUtf8);
  view.set_rows(numbered(1));
  type(view, ' ');
  view.set_rows(numbered(5));
  EXPECT_EQ(shown(view, 24).size(), 1U);
  EXPECT_THAT(screen(view)[0], StartsWith("PAUSED"));
  type(view, ' ');
  view.set_rows(numbered(5));
  EXPECT_EQ(shown(view, 24).size(), 5U);
  EXPECT_THAT(screen(view)[0], Not(HasSubstr("PAUSED")));
}

TEST(TopView, MoreRowsThanLinesAreScrolled) {
  TopView view(Charset::kUtf8);
  view.set_rows(numbered(30));
  type(view, 'n');
  // 13 lines: summary, header, ten rows, help.
  EXPECT_EQ(shown(view, 13).size(), 10U);
  EXPECT_THAT(screen(view, 140, 13)[0], HasSubstr("rows 1-10"));
  view.press({KeyPress::Kind::kDown});
  EXPECT_EQ(shown(view, 13).front(), "p101");
  view.press({KeyPress::Kind::kPageDown});
  EXPECT_EQ(shown(view, 13).front(), "p111");
  view.press({KeyPress::Kind::kUp});
  EXPECT_EQ(shown(view, 13).front(), "p110");
  view.press({KeyPress::Kind::kEnd});
  EXPECT_EQ(shown(view, 13).front(), "p120");
  EXPECT_EQ(shown(view, 13).back(), "p129");
  view.press({KeyPress::Kind::kPageDown});
  EXPECT_EQ(shown(view, 13).front(), "p120");
  view.press({KeyPress::Kind::kPageUp});
  EXPECT_EQ(shown(view, 13).front(), "p110");
  view.press({KeyPress::Kind::kHome});
  EXPECT_EQ(shown(view, 13).front(), "p100");
  view.press({KeyPress::Kind::kUp});
  EXPECT_EQ(shown(view, 13).front(), "p100");
}

TEST(TopView, FewerRowsThanBeforeAreNotScrolledPast) {
  TopView view(Charset::kUtf8);
  view.set_rows(numbered(30));
  view.press({KeyPress::Kind::kEnd});
  EXPECT_EQ(shown(view, 13).size(), 10U);
  view.set_rows(numbered(3));
  EXPECT_EQ(shown(view, 13).size(), 3U);
}

TEST(TopView, TheHelpGrowsAndShrinks) {
  TopView view(Charset::kUtf8);
  view.set_rows(numbered(1));
  EXPECT_THAT(screen(view), Not(Contains(HasSubstr("T timers"))));
  type(view, '?');
  EXPECT_THAT(screen(view), Contains(HasSubstr("T timers")));
  EXPECT_EQ(screen(view).size(), 24U);
  type(view, '?');
  EXPECT_THAT(screen(view), Not(Contains(HasSubstr("T timers"))));
}

TEST(TopView, LeavingIsAskedFor) {
  TopView view(Charset::kUtf8);
  EXPECT_FALSE(view.press({KeyPress::Kind::kCharacter, 'q'}));
  EXPECT_FALSE(view.press({KeyPress::Kind::kCharacter, '\x03'}));
  type(view, 'z');
  EXPECT_TRUE(view.press({KeyPress::Kind::kOther}));
}

TEST(TopView, AnySizeIsKept) {
  for (const bool full_help : {false, true}) {
    TopView view(Charset::kUtf8);
    auto rows = numbered(30);
    rows[0].process = "\x1b[31m\u8a08\u7b97\u8a08\u7b97\u8a08\u7b97\u8a08\u7b97";
    view.set_rows(rows);
    if (full_help) type(view, '?');
    for (std::size_t height = 0; height < 30; ++height) {
      for (std::size_t width = 0; width < 160; width += 3) {
        const auto lines = screen(view, width, height);
        EXPECT_LE(lines.size(), height);
        for (const std::string& line : lines) {
          EXPECT_LE(text_width(line, Charset::kUtf8), width);
          EXPECT_EQ(line.find('\x1b'), std::string::npos);
        }
      }
    }
  }
}

TEST(TopView, ALowTerminalShowsRowsFirst) {
  TopView view(Charset::kUtf8);
  view.set_rows(numbered(30));
  EXPECT_EQ(shown(view, 4).size(), 3U);
}

}  // namespace
}  // namespace loopscope
