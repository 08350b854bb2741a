#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "apps/loopscope/top/key_press.h"
#include "apps/loopscope/top/styled_text.h"
#include "apps/loopscope/top/top_row.h"
#include "apps/loopscope/top/top_sort.h"
#include "base/terminal_text.h"

namespace loopscope {

/// What `loopscope top` shows on a screen of any size, and what its keys change of it.
class TopView {
 public:
  explicit TopView(Charset charset) : charset_(charset) {}

  /// Newer figures; not shown while paused.
  void set_rows(std::vector<TopRow> rows);
  /// False: the user wants to leave.
  bool press(KeyPress key);
  /// At most `height` lines of at most `width` columns each.
  std::vector<ScreenLine> lines(std::size_t width, std::size_t height);

 private:
  bool press_character(char character);
  void scroll(KeyPress::Kind kind);
  ScreenLine summary(std::size_t width) const;
  std::vector<ScreenLine> help(std::size_t width) const;
  /// Rows that fit into `height` lines, from the one scrolled to.
  void append_body(std::vector<ScreenLine>& lines, std::size_t width, std::size_t height);

  const Charset charset_;
  std::vector<TopRow> rows_;  ///< sorted
  bool has_figures_ = false;
  TopSortKey sort_key_ = TopSortKey::kLag;
  bool reverse_ = false;
  bool paused_ = false;
  bool full_help_ = false;
  std::size_t first_ = 0;  ///< the row at the top of the body
  std::size_t page_ = 1;   ///< rows of the body as last laid out
};

}  // namespace loopscope
