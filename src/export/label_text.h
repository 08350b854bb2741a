#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace loopscope {

/// Longest label value in bytes; of longer ones the end is kept.
inline constexpr std::size_t kMaxLabelBytes = 256;

/// `text` as a label value that every scraper takes: valid UTF-8 with U+FFFD for each
/// bad byte and each control character but \n and \t, and at most kMaxLabelBytes.
/// Quotes, backslashes and line feeds stay; the writers escape them.
std::string label_value(std::string_view text);

/// Whether `name` may be the name of a configured constant label: a legal label name
/// ([a-zA-Z_][a-zA-Z0-9_]*, no "__" in front) that no series of a loop or
/// process has of its own (is_series_label()).
bool is_free_label_name(std::string_view name);

}  // namespace loopscope
