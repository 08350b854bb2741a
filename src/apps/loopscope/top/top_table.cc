#include "apps/loopscope/top/top_table.h"

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <string_view>

#include "apps/loopscope/top/phase_bar.h"
#include "base/duration.h"
#include "base/kept_end.h"
#include "core/line_text.h"
#include "target/base_name.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

struct FieldSpec {
  TopField field;
  std::string_view title;
  std::size_t least;  ///< width it needs
  int importance;     ///< the least important are left out first
  Align align;
};

// In the order shown.
constexpr std::array kFields = {
    FieldSpec{TopField::kProcess, "PROCESS", 8, 11, Align::kLeft},
    FieldSpec{TopField::kPid, "PID", 7, 4, Align::kRight},
    FieldSpec{TopField::kLoop, "LOOP", 9, 7, Align::kLeft},
    FieldSpec{TopField::kPhases, "PHASES", 8, 5, Align::kLeft},
    FieldSpec{TopField::kUtilization, "UTIL", 4, 6, Align::kRight},
    FieldSpec{TopField::kLagP99, "LAGP99", 6, 1, Align::kRight},
    FieldSpec{TopField::kLagMax, "LAGMAX", 6, 9, Align::kRight},
    FieldSpec{TopField::kBlocked, "BLOCKED", 7, 10, Align::kRight},
    FieldSpec{TopField::kStalls, "ST/MIN", 6, 2, Align::kRight},
    FieldSpec{TopField::kBacklog, "BACKLOG", 9, 3, Align::kRight},
    FieldSpec{TopField::kSlot, "SLOT", 4, 0, Align::kRight},
    FieldSpec{TopField::kLastStall, "LAST STALL", 12, 8, Align::kLeft},
};

/// Where spare width goes: to each in turn, up to this width. A function, its file and line
/// come first.
constexpr std::array kWidening = {
    TopColumn{TopField::kLastStall, 36}, TopColumn{TopField::kPhases, 20},
    TopColumn{TopField::kProcess, 16},   TopColumn{TopField::kLoop, 12},
    TopColumn{TopField::kProcess, 24},   TopColumn{TopField::kLastStall, 400},
};

/// Where there is less room than this for a function, its file is left out.
constexpr std::size_t kUsefulFunction = 12;
constexpr std::size_t kMaxFileName = 40;

const FieldSpec& spec_of(TopField field) {
  return *std::ranges::find(kFields, field, &FieldSpec::field);
}

bool is_sorted_by(TopField field, TopSortKey key) {
  switch (key) {
    case TopSortKey::kLag:
      return field == TopField::kLagMax;
    case TopSortKey::kUtilization:
      return field == TopField::kUtilization;
    case TopSortKey::kBacklog:
      return field == TopField::kBacklog;
    case TopSortKey::kStalls:
      return field == TopField::kStalls;
    case TopSortKey::kBlocked:
      return field == TopField::kBlocked;
    case TopSortKey::kName:
      return field == TopField::kProcess;
  }
  return false;
}

/// The bar as runs of one letter, each in the style of its phase.
void append_bar(ScreenLine& line, const std::string& bar) {
  for (std::size_t begin = 0; begin < bar.size();) {
    const std::size_t end = std::min(bar.find_first_not_of(bar[begin], begin), bar.size());
    const TextStyle style =
        bar[begin] == ' ' ? TextStyle::kPlain : style_of(phase_of_letter(bar[begin]));
    line.push_back({bar.substr(begin, end - begin), style});
    begin = end;
  }
}

StyledText lag_cell(Nanos lag) {
  TextStyle style = TextStyle::kPlain;
  if (lag >= 100ms) style = TextStyle::kWarning;
  if (lag >= 500ms) style = TextStyle::kAlarm;
  return {short_duration(lag), style};
}

StyledText utilization_cell(const TopRow& row) {
  if (!row.utilization) return {"-"};
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%.0f%%", *row.utilization * 100);
  return {text.data(), *row.utilization > 0.9 ? TextStyle::kWarning : TextStyle::kPlain};
}

StyledText backlog_cell(const TopRow& row) {
  if (!row.backlog) return {"-"};
  const auto [depth, limit] = *row.backlog;
  TextStyle style = TextStyle::kPlain;
  // Linux takes one connection more than the limit before it drops any.
  if (static_cast<double>(depth) > 0.8 * static_cast<double>(limit)) style = TextStyle::kWarning;
  if (depth > limit) style = TextStyle::kAlarm;
  return {std::to_string(depth) + "/" + std::to_string(limit), style};
}

/// Its text may be anything yet.
StyledText cell(const TopRow& row, const TopColumn& column, Charset charset) {
  switch (column.field) {
    case TopField::kProcess:
      return {row.process};
    case TopField::kPid:
      return {std::to_string(row.pid)};
    case TopField::kSlot:
      return {std::to_string(row.slot)};
    case TopField::kLoop:
      return {row.loop};
    case TopField::kUtilization:
      return utilization_cell(row);
    case TopField::kLagP99:
      return row.lag_p99 ? lag_cell(*row.lag_p99) : StyledText{"-"};
    case TopField::kLagMax:
      return row.lag_max ? lag_cell(*row.lag_max) : StyledText{"-"};
    case TopField::kBlocked:
      return {row.blocked ? short_duration(*row.blocked) : "-",
              counts_as_blocked(row) ? TextStyle::kAlarm : TextStyle::kPlain};
    case TopField::kStalls:
      return {std::to_string(row.stalls)};
    case TopField::kBacklog:
      return backlog_cell(row);
    case TopField::kLastStall:
      return {last_stall_text(row, column.width, charset)};
    case TopField::kPhases:
      break;  // made of pieces, see append_bar()
  }
  return {};
}

std::string formatted(const char* format, double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

}  // namespace

std::vector<TopColumn> top_columns(std::size_t width) {
  std::vector<TopColumn> columns;
  columns.reserve(kFields.size());
  for (const FieldSpec& spec : kFields) columns.push_back({spec.field, spec.least});
  const auto used = [&columns] {
    std::size_t sum = columns.empty() ? 0 : columns.size() - 1;  // the spaces between
    for (const TopColumn& column : columns) sum += column.width;
    return sum;
  };
  const auto importance = [](const TopColumn& column) { return spec_of(column.field).importance; };
  while (!columns.empty() && used() > width) {
    columns.erase(std::ranges::min_element(columns, {}, importance));
  }
  std::size_t spare = width - used();
  for (const TopColumn& wish : kWidening) {
    const auto column = std::ranges::find(columns, wish.field, &TopColumn::field);
    if (column == columns.end()) continue;
    const std::size_t more = std::min(spare, wish.width - std::min(wish.width, column->width));
    column->width += more;
    spare -= more;
  }
  return columns;
}

ScreenLine top_header(const std::vector<TopColumn>& columns, TopSortKey sorted_by) {
  ScreenLine line;
  for (const TopColumn& column : columns) {
    const FieldSpec& spec = spec_of(column.field);
    if (!line.empty()) line.push_back({" ", TextStyle::kHeader});
    line.push_back(
        {fit_column(spec.title, column.width, Charset::kAscii, spec.align),
         is_sorted_by(column.field, sorted_by) ? TextStyle::kTitle : TextStyle::kHeader});
  }
  return line;
}

ScreenLine top_cells(const TopRow& row, const std::vector<TopColumn>& columns, Charset charset) {
  ScreenLine line;
  for (const TopColumn& column : columns) {
    if (!line.empty()) line.push_back({" "});
    if (column.field == TopField::kPhases) {
      append_bar(line, phase_bar(row.phase_shares, column.width));
      continue;
    }
    StyledText piece = cell(row, column, charset);
    piece.text = fit_column(piece.text, column.width, charset, spec_of(column.field).align);
    line.push_back(std::move(piece));
  }
  return line;
}

std::string short_duration(Nanos time) {
  if (time <= Nanos(0)) return "0";
  const double seconds = in_seconds(time);
  if (seconds < 0.00995) return formatted("%.1fms", seconds * 1e3);
  if (seconds < 0.9995) return formatted("%.0fms", seconds * 1e3);
  if (seconds < 9.995) return formatted("%.2fs", seconds);
  if (seconds < 99.95) return formatted("%.1fs", seconds);
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(time).count();
  std::array<char, 48> text{};
  if (whole < 6000) {
    std::snprintf(text.data(), text.size(), "%" PRId64 "m%02" PRId64 "s",
                  static_cast<std::int64_t>(whole / 60), static_cast<std::int64_t>(whole % 60));
  } else if (whole < 360000) {
    std::snprintf(text.data(), text.size(), "%" PRId64 "h%02" PRId64 "m",
                  static_cast<std::int64_t>(whole / 3600),
                  static_cast<std::int64_t>(whole / 60 % 60));
  } else {
    std::snprintf(text.data(), text.size(), "%" PRId64 "d",
                  static_cast<std::int64_t>(whole / 86400));
  }
  return text.data();
}

std::string last_stall_text(const TopRow& row, std::size_t width, Charset charset) {
  if (row.function.empty() && row.file.empty()) return fit_text(row.why, width, charset);
  std::string place = fit_text(kept_end(base_name(row.file), kMaxFileName), kMaxFileName, charset);
  if (!place.empty()) place += line_text(row.line, row.generated_line);
  if (row.function.empty() || place.empty()) {
    return fit_text(place.empty() ? row.function : place, width, charset);
  }
  const std::size_t place_width = text_width(place, charset) + 1;
  if (width < kUsefulFunction + place_width) return fit_text(row.function, width, charset);
  return fit_text(row.function, width - place_width, charset) + " " + place;
}

}  // namespace loopscope
