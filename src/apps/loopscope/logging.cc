#include "apps/loopscope/logging.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/loopscope/terminal_text.h"

namespace loopscope {
namespace {

/// What the line being logged by this thread has beside its message: `,"pid":42`.
thread_local std::string more_fields;

std::string to_json(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// The message, with what could forge or hide a line of the log replaced.
class MessageFlag final : public spdlog::custom_flag_formatter {
 public:
  explicit MessageFlag(bool as_json) : as_json_(as_json) {}

  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    std::string text(message.payload.data(), message.payload.size());
    text = as_json_ ? to_json(text) + more_fields : printable(text);
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<MessageFlag>(as_json_);
  }

 private:
  bool as_json_;
};

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

std::string printable(const std::string& text) {
  // As wide as it is: lines of a log are not cut.
  return fit_text(text, std::numeric_limits<std::size_t>::max(), Charset::kUtf8);
}

void print_error(const std::string& message) {
  std::fprintf(stderr, "loopscope: %s\n", printable(message).c_str());
}

void set_up_logging(LogFormat format, LogLevel level) {
  const bool as_json = format == LogFormat::kJson;
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<MessageFlag>('*', as_json);
  formatter->set_pattern(as_json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":%*})"
                                 : "%Y-%m-%dT%H:%M:%S.%eZ %l %*");
  auto logger = std::make_shared<spdlog::logger>("loopscope",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_formatter(std::move(formatter));
  logger->set_level(spdlog_level(level));
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
}

void log_with_fields(const std::string& message, const nlohmann::ordered_json& fields) {
  const std::string object = to_json(fields);
  if (object.size() > 2) more_fields = "," + object.substr(1, object.size() - 2);
  spdlog::info("{}", message);
  more_fields.clear();
}

void announce_address(LogFormat format, const std::string& address) {
  const std::string line = "listening on http://" + address;
  if (format == LogFormat::kJson) {
    spdlog::log(spdlog::get_level(), "{}", line);
  } else {
    std::fprintf(stderr, "%s\n", line.c_str());
  }
}

}  // namespace loopscope
