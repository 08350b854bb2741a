#include "apps/loopscope/top/top_sort.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "base/duration.h"

namespace loopscope {
namespace {

struct SortKeyName {
  TopSortKey key;
  char letter;
  std::string_view name;
};
constexpr std::array kSortKeys = {
    SortKeyName{TopSortKey::kLag, 'l', "lag"},
    SortKeyName{TopSortKey::kUtilization, 'u', "utilization"},
    SortKeyName{TopSortKey::kBacklog, 'b', "backlog"},
    SortKeyName{TopSortKey::kStalls, 's', "stalls"},
    SortKeyName{TopSortKey::kBlocked, 'B', "blocked"},
    SortKeyName{TopSortKey::kName, 'n', "name"},
};

auto name_of(const TopRow& row) { return std::tie(row.process, row.pid, row.loop); }

/// The larger, the further up; rows without the figure come last.
double weight(const TopRow& row, TopSortKey key) {
  switch (key) {
    case TopSortKey::kLag:
      return row.lag_max ? in_seconds(*row.lag_max) : -1;
    case TopSortKey::kUtilization:
      return row.utilization.value_or(-1);
    case TopSortKey::kBacklog:
      if (!row.backlog) return -1;
      return static_cast<double>(row.backlog->depth);
    case TopSortKey::kStalls:
      return static_cast<double>(row.stalls);
    case TopSortKey::kBlocked:
      return row.blocked ? in_seconds(*row.blocked) : -1;
    case TopSortKey::kName:
      return 0;
  }
  return 0;
}

}  // namespace

std::string_view to_string(TopSortKey key) {
  return std::ranges::find(kSortKeys, key, &SortKeyName::key)->name;
}

std::optional<TopSortKey> sort_key_of(char key) {
  const auto* const found = std::ranges::find(kSortKeys, key, &SortKeyName::letter);
  if (found == kSortKeys.end()) return std::nullopt;
  return found->key;
}

void sort_rows(std::vector<TopRow>& rows, TopSortKey key, bool reverse) {
  std::sort(rows.begin(), rows.end(), [key, reverse](const TopRow& a, const TopRow& b) {
    if (key == TopSortKey::kName) {
      return reverse ? name_of(b) < name_of(a) : name_of(a) < name_of(b);
    }
    const double weight_a = weight(a, key);
    const double weight_b = weight(b, key);
    if (weight_a != weight_b) return reverse ? weight_a < weight_b : weight_a > weight_b;
    return name_of(a) < name_of(b);
  });
}

}  // namespace loopscope
