#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace loopscope {

/// What the terminal can show.
enum class Charset { kUtf8, kAscii };

/// That of the user's locale (LC_ALL, LC_CTYPE, LANG). For the main thread.
Charset charset_of_environment();

enum class Align { kLeft, kRight };

/// `text`, which may be anything a target says, made fit for a terminal: characters that
/// terminals obey or lay out in their own ways (controls, escape, changes of direction,
/// invisible ones) and bytes that are no UTF-8 are replaced one by one, more than two
/// combining marks on a character are left out. Takes at most `columns` columns; what is
/// longer is cut and ends in "…" ("~" in ASCII).
std::string fit_text(std::string_view text, std::size_t columns, Charset charset);

/// The same, filled with spaces to exactly `columns` columns.
std::string fit_column(std::string_view text, std::size_t columns, Charset charset,
                       Align align = Align::kLeft);

/// The columns that text made by fit_text() takes.
std::size_t text_width(std::string_view fitted, Charset charset);

}  // namespace loopscope
