#pragma once

#include <string>
#include <string_view>

namespace loopscope {

/// A file's bytes as the UTF-16 a script engine makes of them; what is no UTF-8 becomes U+FFFD.
std::u16string utf16_of(std::string_view utf8);

/// Whether line n of the text an engine runs is line n of the file it is named after: they are
/// the same, or the text has only been blanked in place (types that Node strips), wrapped on
/// its first line (CommonJS) or has had comments added at its end. A byte order mark does not
/// count. `is_cut`: both are only beginnings.
bool has_same_lines(std::u16string_view text, std::u16string_view file, bool is_cut);

}  // namespace loopscope
