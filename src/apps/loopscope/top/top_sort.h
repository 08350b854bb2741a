#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "apps/loopscope/top/top_row.h"

namespace loopscope {

/// What rows are sorted by: figures largest first, names in order.
enum class TopSortKey { kLag, kUtilization, kBacklog, kStalls, kBlocked, kName };

std::string_view to_string(TopSortKey key);

/// The key of the interactive program that chooses it ('l'); none: not one of them.
std::optional<TopSortKey> sort_key_of(char key);

/// `reverse` turns the order of `key` around; rows alike in it are by name in any case.
void sort_rows(std::vector<TopRow>& rows, TopSortKey key, bool reverse);

}  // namespace loopscope
