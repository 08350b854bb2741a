#include "apps/server/metrics_merge.h"

#include <algorithm>

namespace loopscope::server {
namespace {

constexpr std::string_view kPrefix = "eventloop_";

/// The name in "# HELP name …" or "# TYPE name …"; empty for other lines.
std::string_view family_name(std::string_view line) {
  if (!line.starts_with("# HELP ") && !line.starts_with("# TYPE ")) return {};
  line.remove_prefix(std::string_view("# HELP ").size());
  return line.substr(0, line.find(' '));
}

}  // namespace

void MetricsMerge::add(std::string_view exposition) {
  Family* family = nullptr;
  std::string_view current;
  bool needs_head = false;
  while (!exposition.empty()) {
    const std::size_t length = std::min(exposition.find('\n'), exposition.size());
    const std::string_view line = exposition.substr(0, length);
    exposition.remove_prefix(std::min(length + 1, exposition.size()));
    if (line.empty()) continue;
    if (line.front() != '#') {
      if (family != nullptr) family->samples.append(line).push_back('\n');
      continue;
    }
    const std::string_view name = family_name(line);
    if (name.empty()) continue;
    if (name != current) {
      current = name;
      family = name.starts_with(kPrefix) ? &families_[std::string(name)] : nullptr;
      needs_head = family != nullptr && family->head.empty();
    }
    if (needs_head) family->head.append(line).push_back('\n');
  }
}

std::string MetricsMerge::text() const {
  std::string text;
  for (const auto& [name, family] : families_) text += family.head + family.samples;
  return text;
}

}  // namespace loopscope::server
