#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/config_reader.h"

// Any bytes are either a valid configuration or an error that names the place.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = loopscope::parse_config(text, "fuzz");
  if (config) {
    if (!loopscope::check_consistency(*config)) std::abort();
    for (const auto& target : config->targets) {
      if (target.process) target.process->matches("node --inspect /srv/app/server.js");
    }
  } else if (!config.error().message.starts_with("fuzz:")) {
    std::abort();
  }
  return 0;
}
