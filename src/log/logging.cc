#include "log/logging.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <limits>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/guarded.h"
#include "base/rate_limiter.h"
#include "base/terminal_text.h"
#include "log/line_writer.h"

namespace loopscope {
namespace {

std::string to_json(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// The message, with what could forge or hide a line of the log replaced.
class MessageFlag final : public spdlog::custom_flag_formatter {
 public:
  /// `fields`: what a line of JSON has beside its message, as `,"pid":42`; must outlive this.
  MessageFlag(bool as_json, const std::string& fields) : as_json_(as_json), fields_(fields) {}

  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    std::string text(message.payload.data(), message.payload.size());
    text = as_json_ ? to_json(text) + fields_ : printable(text);
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<MessageFlag>(as_json_, fields_);
  }

 private:
  bool as_json_;
  const std::string& fields_;
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

std::unique_ptr<spdlog::formatter> formatter_for(bool as_json, const std::string& fields) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<MessageFlag>('*', as_json, fields);
  formatter->set_pattern(as_json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":%*})"
                                 : "%Y-%m-%dT%H:%M:%S.%eZ %l %*");
  return formatter;
}

/// Lines are laid out in the thread that logs and written in another one.
class StderrSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  StderrSink()
      : writer_(STDERR_FILENO, [this](std::uint64_t count) { return left_out_line(count); }) {}

  LineWriter& writer() { return writer_; }
  /// Of the line that is being laid out.
  const std::string& fields() const { return fields_; }
  /// `fields` as in MessageFlag.
  void log_with(const spdlog::details::log_msg& message, std::string fields) {
    const std::lock_guard lock(mutex_);
    fields_ = std::move(fields);
    sink_it_(message);
    fields_.clear();
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    writer_.write(formatted(message));
  }
  void flush_() override {}  // nobody who logs is to wait

 private:
  std::string formatted(const spdlog::details::log_msg& message) {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    return {line.data(), line.size()};
  }
  std::string left_out_line(std::uint64_t count) {
    const std::string text =
        "log: nobody read standard error; lines left out: " + std::to_string(count);
    const std::lock_guard lock(mutex_);
    return formatted({"loopscope", spdlog::level::warn, text});
  }

  LineWriter writer_;
  std::string fields_;  ///< guarded by the sink's lock, which is held while a line is laid out
};

/// Null until the log has been set up.
std::atomic<StderrSink*> the_sink{nullptr};

/// There is one logger as long as the program runs: other threads may be using it.
std::shared_ptr<spdlog::logger> make_logger() {
  auto sink = std::make_shared<StderrSink>();
  auto logger = std::make_shared<spdlog::logger>("loopscope", sink);
  spdlog::set_default_logger(logger);
  the_sink.store(sink.get(), std::memory_order_release);
  return logger;
}

/// A task that fails at every try must not fill the log.
void tell_failure(std::string_view task, std::string_view reason) {
  static std::mutex mutex;
  static RateLimiter limiter(std::chrono::seconds(10), 5);
  const SystemClock clock;
  const std::lock_guard lock(mutex);
  if (!limiter.allow(clock.now())) return;
  const std::uint64_t more = limiter.take_suppressed();
  spdlog::error("{}: {}; left out this time{}", task, reason,
                more == 0 ? "" : " (and " + std::to_string(more) + " failures before it)");
}

/// A line that is not of the log's form, in its order among the others.
void write_plain(std::string line) {
  if (StderrSink* sink = the_sink.load(std::memory_order_acquire)) {
    sink->writer().write(std::move(line));
  } else {
    std::fputs(line.c_str(), stderr);
  }
}

}  // namespace

std::string printable(const std::string& text) {
  // As wide as it is: lines of a log are not cut.
  return fit_text(text, std::numeric_limits<std::size_t>::max(), Charset::kUtf8);
}

void print_error(const std::string& message) {
  write_plain("loopscope: " + printable(message) + "\n");
}

void set_up_logging(LogFormat format, LogLevel level) {
  // Never destroyed: threads that nobody waits for may log until the process is gone.
  static const auto* const logger = new auto(make_logger());
  // The sink swaps it under the lock that it formats under; the level is atomic.
  const StderrSink* sink = the_sink.load(std::memory_order_acquire);
  (*logger)->set_formatter(formatter_for(format == LogFormat::kJson, sink->fields()));
  (*logger)->set_level(spdlog_level(level));
  set_failure_observer(tell_failure);
}

void flush_log() {
  StderrSink* sink = the_sink.load(std::memory_order_acquire);
  if (sink != nullptr) sink->writer().flush(LineWriter::kLastPatience);
}

void log_with_fields(const std::string& message, const nlohmann::ordered_json& fields) {
  StderrSink* sink = the_sink.load(std::memory_order_acquire);
  if (sink == nullptr) {
    spdlog::info("{}", message);
  } else if (spdlog::should_log(spdlog::level::info)) {
    const std::string object = to_json(fields);
    sink->log_with({"loopscope", spdlog::level::info, message},
                   object.size() > 2 ? "," + object.substr(1, object.size() - 2) : "");
  }
}

void announce_address(LogFormat format, const std::string& address) {
  const std::string line = "listening on http://" + address;
  if (format == LogFormat::kJson) {
    spdlog::log(spdlog::get_level(), "{}", line);
  } else {
    write_plain(line + "\n");
  }
}

}  // namespace loopscope
