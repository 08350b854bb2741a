#include "apps/server/request_params.h"

#include <charconv>

namespace loopscope::server {

Result<std::chrono::milliseconds> read_block_time(const HttpRequest& request) {
  const std::string_view text = request.param("ms");
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() ||
      std::chrono::milliseconds(value) > kMaxBlock) {
    return Error{"ms must be a whole number from 0 to " + std::to_string(kMaxBlock.count())};
  }
  return std::chrono::milliseconds(value);
}

Result<Phase> read_phase(const HttpRequest& request) {
  const std::string_view text = request.param("phase");
  for (std::size_t i = 0; i < kPhaseCount; ++i) {
    const auto phase = static_cast<Phase>(i);
    if (kPhaseNames[i] == text && phase != Phase::kPollWait && phase != Phase::kUnknown) {
      return phase;
    }
  }
  return Error{"phase must be timers, pending, idle_prepare, poll, check or closing"};
}

Result<BlockMode> read_mode(const HttpRequest& request) {
  const std::string_view text = request.param("mode", "spin");
  if (text == "spin") return BlockMode::kSpin;
  if (text == "sleep") return BlockMode::kSleep;
  return Error{"mode must be spin or sleep"};
}

}  // namespace loopscope::server
