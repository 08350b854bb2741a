#include "apps/loopscope/top/top_view.h"

#include <algorithm>
#include <set>
#include <utility>

#include "apps/loopscope/top/phase_bar.h"
#include "apps/loopscope/top/top_table.h"

namespace loopscope {
namespace {

/// Screens lower than this show nothing but the table.
constexpr std::size_t kRoomyHeight = 8;

std::string counted(std::size_t count, const std::string& singular, const std::string& plural) {
  return std::to_string(count) + " " + (count == 1 ? singular : plural);
}

}  // namespace

void TopView::set_rows(std::vector<TopRow> rows) {
  if (paused_) return;
  rows_ = std::move(rows);
  has_figures_ = true;
  sort_rows(rows_, sort_key_, reverse_);
}

bool TopView::press(KeyPress key) {
  if (key.kind == KeyPress::Kind::kCharacter) return press_character(key.character);
  scroll(key.kind);
  return true;
}

bool TopView::press_character(char character) {
  if (const auto chosen = sort_key_of(character)) {
    sort_key_ = *chosen;
    reverse_ = false;
    first_ = 0;
    sort_rows(rows_, sort_key_, reverse_);
    return true;
  }
  switch (character) {
    case 'q':
    case '\x03':  // Ctrl-C, where it comes as a character
      return false;
    case 'r':
      reverse_ = !reverse_;
      sort_rows(rows_, sort_key_, reverse_);
      break;
    case ' ':
      paused_ = !paused_;
      break;
    case '?':
    case 'h':
      full_help_ = !full_help_;
      break;
    default:
      break;
  }
  return true;
}

void TopView::scroll(KeyPress::Kind kind) {
  // lines() takes back what is too far.
  switch (kind) {
    case KeyPress::Kind::kUp:
      first_ -= std::min<std::size_t>(first_, 1);
      break;
    case KeyPress::Kind::kDown:
      first_ += 1;
      break;
    case KeyPress::Kind::kPageUp:
      first_ -= std::min(first_, page_);
      break;
    case KeyPress::Kind::kPageDown:
      first_ += page_;
      break;
    case KeyPress::Kind::kHome:
      first_ = 0;
      break;
    case KeyPress::Kind::kEnd:
      first_ = rows_.size();
      break;
    case KeyPress::Kind::kCharacter:
    case KeyPress::Kind::kOther:
      break;
  }
}

std::vector<ScreenLine> TopView::lines(std::size_t width, std::size_t height) {
  std::vector<ScreenLine> lines;
  const bool roomy = height >= kRoomyHeight;
  const std::vector<ScreenLine> below = roomy ? help(width) : std::vector<ScreenLine>{};
  if (roomy) lines.push_back(summary(width));
  append_body(lines, width, height - lines.size() - std::min(below.size(), height));
  if (!roomy) return lines;
  lines.resize(height - below.size());
  lines.insert(lines.end(), below.begin(), below.end());
  return lines;
}

void TopView::append_body(std::vector<ScreenLine>& lines, std::size_t width, std::size_t height) {
  if (height == 0) return;
  const auto columns = top_columns(width);
  lines.push_back(top_header(columns, sort_key_));
  page_ = std::max<std::size_t>(height - 1, 1);
  first_ = std::min(first_, rows_.size() - std::min(rows_.size(), page_));
  if (rows_.empty() && height > 1) {
    lines.push_back({{fit_text(has_figures_ ? "no event loop found; 'loopscope doctor' says why"
                                            : "looking for event loops...",
                               width, charset_),
                      TextStyle::kDim}});
  }
  for (std::size_t i = first_; i < rows_.size() && i - first_ + 1 < height; ++i) {
    lines.push_back(top_cells(rows_[i], columns, charset_));
  }
}

ScreenLine TopView::summary(std::size_t width) const {
  std::set<int> pids;
  for (const TopRow& row : rows_) pids.insert(row.pid);
  const auto blocked = static_cast<std::size_t>(std::ranges::count_if(rows_, counts_as_blocked));
  std::string text = "loopscope top   " + counted(rows_.size(), "loop", "loops") + " in " +
                     counted(pids.size(), "process", "processes") + ", " + std::to_string(blocked) +
                     " blocked   sorted by " + std::string(to_string(sort_key_)) +
                     (reverse_ ? ", reversed" : "");
  if (rows_.size() > page_) {
    text += "   rows " + std::to_string(first_ + 1) + "-" +
            std::to_string(std::min(first_ + page_, rows_.size()));
  }
  // In front, where no width cuts it off.
  if (paused_) text = "PAUSED  " + text;
  return {{fit_text(text, width, charset_), paused_ ? TextStyle::kWarning : TextStyle::kTitle}};
}

std::vector<ScreenLine> TopView::help(std::size_t width) const {
  std::vector<std::string> texts = {"q quit  ? help  space pause  r reverse  l/u/b/s/B/n sort"};
  if (full_help_) {
    // Each fits into 80 columns.
    texts = {
        "sort: l lag  u utilization  b backlog  s stalls  B blocked  n name   r reverse",
        "arrows PageUp PageDown Home End scroll   space pause   ? less help   q quit",
        kPhaseLegend,
        "PHASES and UTIL: since the last look. LAGP99, LAGMAX, ST/MIN: the last minute.",
        "BLOCKED: busy without polling now. BACKLOG: waiting connections / limit.",
    };
  }
  std::vector<ScreenLine> lines;
  lines.reserve(texts.size());
  for (const std::string& text : texts) {
    lines.push_back({{fit_text(text, width, charset_), TextStyle::kDim}});
  }
  return lines;
}

}  // namespace loopscope
