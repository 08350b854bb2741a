#include "apps/loopscope/top/top_sort.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loopscope {
namespace {

using testing::ElementsAre;
using namespace std::chrono_literals;

TopRow named(const std::string& process, int pid = 1) {
  TopRow row;
  row.process = process;
  row.pid = pid;
  row.loop = "main";
  return row;
}

/// Each has the most of one figure.
std::vector<TopRow> some_rows() {
  TopRow late = named("late");
  late.lag_max = 900ms;
  late.utilization = 0.1;
  TopRow busy = named("busy");
  busy.lag_max = 20ms;
  busy.utilization = 0.9;
  busy.backlog = TopBacklog{.depth = 0, .limit = 511};
  TopRow full = named("full");
  full.lag_max = 10ms;
  full.backlog = TopBacklog{.depth = 300, .limit = 511};
  TopRow stuck = named("stuck");
  stuck.stalls = 7;
  stuck.blocked = 2s;
  return {stuck, full, busy, late};
}

std::vector<std::string> order(TopSortKey key, bool reverse = false) {
  std::vector<TopRow> rows = some_rows();
  sort_rows(rows, key, reverse);
  std::vector<std::string> names;
  names.reserve(rows.size());
  for (const TopRow& row : rows) names.push_back(row.process);
  return names;
}

TEST(TopSort, FiguresComeLargestFirst) {
  EXPECT_THAT(order(TopSortKey::kLag), ElementsAre("late", "busy", "full", "stuck"));
  EXPECT_THAT(order(TopSortKey::kUtilization), ElementsAre("busy", "late", "full", "stuck"));
  EXPECT_THAT(order(TopSortKey::kBacklog), ElementsAre("full", "busy", "late", "stuck"));
  EXPECT_THAT(order(TopSortKey::kStalls), ElementsAre("stuck", "busy", "full", "late"));
  EXPECT_THAT(order(TopSortKey::kBlocked), ElementsAre("stuck", "busy", "full", "late"));
}

TEST(TopSort, NamesComeInOrder) {
  EXPECT_THAT(order(TopSortKey::kName), ElementsAre("busy", "full", "late", "stuck"));
  EXPECT_THAT(order(TopSortKey::kName, true), ElementsAre("stuck", "late", "full", "busy"));
}

TEST(TopSort, ReverseKeepsTheOrderOfRowsThatAreAlike) {
  EXPECT_THAT(order(TopSortKey::kLag, true), ElementsAre("stuck", "full", "busy", "late"));
  EXPECT_THAT(order(TopSortKey::kStalls, true), ElementsAre("busy", "full", "late", "stuck"));
}

TEST(TopSort, ProcessesOfOneNameAreByPidAsANumber) {
  std::vector<TopRow> rows = {named("node", 100), named("node", 20), named("node", 3)};
  sort_rows(rows, TopSortKey::kName, false);
  EXPECT_EQ(rows[0].pid, 3);
  EXPECT_EQ(rows[2].pid, 100);
}

TEST(TopSort, KeysHaveLetters) {
  EXPECT_EQ(sort_key_of('l'), TopSortKey::kLag);
  EXPECT_EQ(sort_key_of('b'), TopSortKey::kBacklog);
  EXPECT_EQ(sort_key_of('B'), TopSortKey::kBlocked);
  EXPECT_EQ(sort_key_of('q'), std::nullopt);
  EXPECT_EQ(to_string(TopSortKey::kUtilization), "utilization");
}

}  // namespace
}  // namespace loopscope
