#include "base/kept_end.h"

namespace loopscope {

std::string kept_end(std::string_view text, std::size_t limit) {
  constexpr std::string_view kEllipsis = "\xE2\x80\xA6";
  if (text.size() <= limit) return std::string(text);
  if (limit <= kEllipsis.size()) return {};
  std::string_view end = text.substr(text.size() - (limit - kEllipsis.size()));
  const auto continues = [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80;
  };
  while (!end.empty() && continues(end.front())) end.remove_prefix(1);
  const std::size_t slash = end.find('/');
  if (slash != std::string_view::npos && slash <= end.size() / 2) end.remove_prefix(slash);
  return std::string(kEllipsis) + std::string(end);
}

}  // namespace loopscope
