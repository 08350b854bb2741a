#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/web_config.h"

// Any bytes are either users that can log in or an error that names the place.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto users = loopscope::parse_web_config(text, "fuzz");
  if (!users) {
    if (!users.error().message.starts_with("fuzz:")) std::abort();
    return 0;
  }
  if (users->empty()) std::abort();
  for (const auto& [name, hash] : *users) {
    if (name.empty() || name.find(':') != std::string::npos) std::abort();
    if (!loopscope::BcryptHash::parse(hash.text())) std::abort();
  }
  return 0;
}
