#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "log/log_settings.h"

namespace loopscope {

/// Sends the program's log to standard error: lines for people, or one JSON object a line
/// ({"time", "level", "message"}). From then on nobody who logs waits for standard error, see
/// LineWriter. May be called again, from any thread and while others log.
void set_up_logging(LogFormat format, LogLevel level);

/// Before the program ends: waits, not for long, until what was logged is written.
void flush_log();

/// A line of level info. In a log of JSON lines it has `fields` (an object) beside the message.
void log_with_fields(const std::string& message, const nlohmann::ordered_json& fields);

/// `text` with everything replaced that a terminal would obey (control characters, changes of
/// direction) and what is no UTF-8: for what comes from a target or a socket.
std::string printable(const std::string& text);

/// "loopscope: MESSAGE" on standard error, printable: for what ends or refuses a command.
void print_error(const std::string& message);

/// The line scripts wait for: "listening on http://HOST:PORT". As text it stands alone on
/// its line, whatever the log level.
void announce_address(LogFormat format, const std::string& address);

}  // namespace loopscope
