#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "target/memory_map.h"

// Whatever a maps file says, the mappings are in order, not empty and found by address.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto map = loopscope::MemoryMap::parse(text);
  std::uint64_t end = 0;
  for (const auto& mapping : map.mappings()) {
    if (mapping.start < end || mapping.end <= mapping.start) std::abort();
    end = mapping.end;
    if (map.find(mapping.start) != &mapping || map.find(mapping.end - 1) != &mapping) std::abort();
  }
  return 0;
}
