#include "culprit/v8/v8_versions.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace loopscope {
namespace {

using Facts = V8VersionFacts;

constexpr std::array kFacts{
    Facts{18, 0x44b8, 0x80, -0x70, 0x30, 32, 128, 40, 48, 24, 16, 0, 2, 6, 7, 104},
    Facts{19, 0x4780, 0x58, -0x70, 0x30, 32, 128, 40, 48, 24, 16, 0, 2, 6, 7, 104},
    Facts{20, 0x100, 0x68, -0x70, 0x30, 32, 40, 56, 48, 24, 16, 16, 2, 6, 7, 112},
    Facts{21, 0x108, 0x70, -0x70, 0x30, 32, 32, 44, 40, 16, 8, 32, 2, 6, 7, 112},
    Facts{22, 0x90, 0x70, 0x60, 0xa8, 24, 40, 52, 48, 16, 8, 32, 2, 6, 7, 112, 12, 40, 3},
    Facts{23, 0x90, 0x70, 0x60, 0xa8, 24, 40, 52, 48, 16, 8, 32, 2, 6, 7, 112, 14, 44, 3},
    Facts{24, 0xc0, 0xa8, 0x60, 0xa8, 24, 40, 56, 52, 16, 8, 32, 3, 7, 8, 112, 14, 45, 4},
    Facts{25, 0xc8, 0xb0, 0x60, 0xa8, 24, 40, 56, 52, 16, 8, 32, 3, 7, 8, 112, 14, 45, 4},
    Facts{26, 0xc8, 0xb0, 0x60, 0xa8, 24, 40, 56, 52, 16, 8, 32, 3, 7, 8, 112, 14, 45, 4},
};

}  // namespace

int major_of(const std::string& version) {
  const std::size_t begin = version.starts_with('v') ? 1 : 0;
  int major = 0;
  std::from_chars(version.data() + begin, version.data() + version.size(), major);
  return major;
}

std::optional<V8VersionFacts> facts_of_version(const std::string& version) {
  const int major = major_of(version);
  const auto* const found = std::find_if(kFacts.begin(), kFacts.end(),
                                         [&](const Facts& facts) { return facts.major == major; });
  if (found != kFacts.end()) return *found;
  if (major < kFacts.back().major) return std::nullopt;
  Facts facts = kFacts.back();
  facts.major = major;
  facts.c_entry_fp = 0;
  facts.fast_call_fp = 0;
  facts.self = 0;
  facts.state = 0;
  facts.is_assumed = true;
  return facts;
}

}  // namespace loopscope
