#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "export/basic_credentials.h"

// Whatever an Authorization header says, no NUL comes out of it and no colon in the user name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto credentials = loopscope::parse_basic_credentials(text);
  if (!credentials) return 0;
  const std::string both = credentials->user + credentials->password;
  if (both.size() > size || both.find('\0') != std::string::npos) std::abort();
  if (credentials->user.find(':') != std::string::npos) std::abort();
  return 0;
}
