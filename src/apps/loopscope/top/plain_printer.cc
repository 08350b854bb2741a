#include "apps/loopscope/top/plain_printer.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <ctime>
#include <string_view>
#include <system_error>

#include "apps/loopscope/top/phase_bar.h"
#include "apps/loopscope/top/top_sort.h"
#include "base/kept_end.h"
#include "base/terminal_text.h"
#include "core/line_text.h"

namespace loopscope {
namespace {

struct PlainColumn {
  std::string_view title;
  std::size_t width;
  Align align;
};
constexpr std::array kPlainColumns = {
    PlainColumn{"TIME", 20, Align::kLeft},        PlainColumn{"PROCESS", 16, Align::kLeft},
    PlainColumn{"PID", 7, Align::kRight},         PlainColumn{"LOOP", 10, Align::kLeft},
    PlainColumn{"PHASES", 20, Align::kLeft},      PlainColumn{"UTIL%", 6, Align::kRight},
    PlainColumn{"LAG_P99_MS", 10, Align::kRight}, PlainColumn{"LAG_MAX_MS", 10, Align::kRight},
    PlainColumn{"BLOCKED_MS", 10, Align::kRight}, PlainColumn{"STALLS/MIN", 10, Align::kRight},
    PlainColumn{"BACKLOG", 11, Align::kRight},    PlainColumn{"SLOT", 4, Align::kRight},
};
constexpr std::size_t kPhaseLettersShown = 20;
constexpr std::size_t kMaxNameColumns = 64;
constexpr std::size_t kMaxFunctionColumns = 200;
constexpr std::size_t kMaxFileColumns = 300;

// Lines go to files and other programs as well as terminals; UTF-8 is what those expect.
constexpr Charset kPlainCharset = Charset::kUtf8;

std::string utc(std::chrono::system_clock::time_point at) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

std::string fixed(double value, int decimals) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  return text.data();
}

std::string in_milliseconds(Nanos time) {
  return fixed(std::chrono::duration<double, std::milli>(time).count(), 1);
}

/// A name as one word.
std::string word(std::string_view name) {
  std::string text = fit_text(name, kMaxNameColumns, kPlainCharset);
  std::ranges::replace(text, ' ', '_');
  return text.empty() ? "-" : text;
}

/// "FUNCTION FILE:LINE", with the file's whole path.
std::string where_and_why(const TopRow& row) {
  std::string text = fit_text(row.function, kMaxFunctionColumns, kPlainCharset);
  if (!row.file.empty()) {
    if (!text.empty()) text += ' ';
    text += fit_text(kept_end(row.file, kMaxFileColumns), kMaxFileColumns, kPlainCharset);
    text += line_text(row.line, row.generated_line);
  }
  if (text.empty()) text = fit_text(row.why, kMaxFileColumns, kPlainCharset);
  return text.empty() ? "-" : text;
}

/// Never cuts: a number that lost its end would be another number.
void append_cell(std::string& line, std::string_view text, const PlainColumn& column) {
  const std::size_t width = text_width(text, kPlainCharset);
  const std::string fill(column.width - std::min(column.width, width), ' ');
  if (column.align == Align::kRight) line += fill;
  line += text;
  if (column.align == Align::kLeft) line += fill;
  line += ' ';
}

}  // namespace

bool PlainPrinter::show(std::vector<TopRow> rows, std::chrono::system_clock::time_point at) {
  sort_rows(rows, TopSortKey::kName, false);
  const std::string time = utc(at);
  errno = 0;
  if (!has_header_) std::fprintf(out_, "%s\n", plain_header().c_str());
  has_header_ = true;
  for (const TopRow& row : rows) std::fprintf(out_, "%s\n", plain_line(row, time).c_str());
  if (std::fflush(out_) == 0 && std::ferror(out_) == 0) return true;
  if (errno != EPIPE) {
    problem_ = "cannot write the table: " + std::generic_category().message(errno);
  }
  return false;
}

std::string plain_header() {
  std::string line;
  for (const PlainColumn& column : kPlainColumns) append_cell(line, column.title, column);
  return line + "LAST_STALL";
}

std::string plain_line(const TopRow& row, const std::string& time) {
  std::string phases = phase_bar(row.phase_shares, kPhaseLettersShown);
  if (phases.starts_with(' ')) phases = "-";
  const std::array<std::string, kPlainColumns.size()> cells = {
      time,
      word(row.process),
      std::to_string(row.pid),
      word(row.loop),
      std::move(phases),
      row.utilization ? fixed(*row.utilization * 100, 1) : "-",
      row.lag_p99 ? in_milliseconds(*row.lag_p99) : "-",
      row.lag_max ? in_milliseconds(*row.lag_max) : "-",
      row.blocked ? in_milliseconds(*row.blocked) : "-",
      std::to_string(row.stalls),
      row.backlog ? std::to_string(row.backlog->depth) + "/" + std::to_string(row.backlog->limit)
                  : "-",
      std::to_string(row.slot),
  };
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) append_cell(line, cells[i], kPlainColumns[i]);
  return line + where_and_why(row);
}

}  // namespace loopscope
