#pragma once

#include <cstdio>
#include <string>

#include "apps/loopscope/top/top_display.h"

namespace loopscope {

/// `loopscope top` for files, pipes and terminals that cannot do more: a line of column
/// names, then one line per loop and interval. Columns stand in a fixed order and are
/// separated by spaces; none but the last has spaces in it; what is not known is "-".
class PlainPrinter final : public TopDisplay {
 public:
  explicit PlainPrinter(std::FILE* out) : out_(out) {}

  /// False once the output cannot be written.
  bool show(std::vector<TopRow> rows, std::chrono::system_clock::time_point at) override;
  /// Empty if its reader has just left.
  std::string problem() const override { return problem_; }

 private:
  std::FILE* out_;
  bool has_header_ = false;
  std::string problem_;
};

/// The line of column names, without a line end.
std::string plain_header();
/// The line of one row, without a line end; times in milliseconds.
std::string plain_line(const TopRow& row, const std::string& time);

}  // namespace loopscope
