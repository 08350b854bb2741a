#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "apps/loopscope/top/styled_text.h"
#include "apps/loopscope/top/top_row.h"
#include "apps/loopscope/top/top_sort.h"
#include "base/terminal_text.h"

namespace loopscope {

enum class TopField {
  kProcess,
  kPid,
  kLoop,
  kPhases,
  kUtilization,
  kLagP99,
  kLagMax,
  kBlocked,
  kStalls,
  kBacklog,
  kSlot,
  kLastStall,
};

struct TopColumn {
  TopField field;
  std::size_t width = 0;
};

/// The columns that fit into `width`, with one space between them, from the left. Where
/// not all do, the least telling are left out, and the process and who blocks it stay
/// longest. Empty: not even one fits.
std::vector<TopColumn> top_columns(std::size_t width);

/// The line above the rows; the column sorted by is marked.
ScreenLine top_header(const std::vector<TopColumn>& columns, TopSortKey sorted_by);

/// One row, fit for a terminal.
ScreenLine top_cells(const TopRow& row, const std::vector<TopColumn>& columns, Charset charset);

/// A duration in at most six characters: "0", "4.2ms", "450ms", "1.25s", "3m05s", "2h10m".
std::string short_duration(Nanos time);

/// Who or what the last stall was, in at most `width` columns: "compute server.js:12".
/// Directories are left out; of a long function its beginning is shown before its place.
std::string last_stall_text(const TopRow& row, std::size_t width, Charset charset);

}  // namespace loopscope
