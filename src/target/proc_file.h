#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace loopscope {

/// Reads a /proc file from its beginning, at most `cap` bytes; a longer file is cut off
/// there. Error messages name the path; `error_number` receives the errno.
Result<std::string> read_proc_file(const std::string& path, std::size_t cap,
                                   int* error_number = nullptr);

/// One pread at offset 0, repeated on EINTR. Returns the bytes read, or -1 with errno set.
/// No allocation.
long pread_start(int fd, std::span<char> buffer);

/// "No such process", with the errno's own words.
std::string errno_text(int error_number);

/// Takes one decimal (or, with 0x, hexadecimal) number off the front of `text`, skipping
/// blanks before it. False: no number there, or it does not fit.
bool take_number(std::string_view& text, std::uint64_t& value);

}  // namespace loopscope
