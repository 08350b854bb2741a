#include "export/basic_credentials.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace loopscope {
namespace {

constexpr std::size_t kMaxAuthorizationBytes = 1024;
constexpr std::string_view kBasicScheme = "basic";
constexpr std::string_view kBase64Letters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 of RFC 4648: padded, without line breaks.
std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::size_t value = kBase64Letters.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 6U) | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>((bits >> static_cast<unsigned>(count)) & 0xFFU);
  }
  return out;
}

}  // namespace

std::optional<BasicCredentials> parse_basic_credentials(std::string_view authorization) {
  if (authorization.size() > kMaxAuthorizationBytes) return std::nullopt;
  // White space after a header's value is no part of it.
  authorization = authorization.substr(0, authorization.find_last_not_of(" \t") + 1);
  const std::size_t space = authorization.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const bool is_basic = std::ranges::equal(
      authorization.substr(0, space), kBasicScheme, {},
      [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (!is_basic) return std::nullopt;
  authorization.remove_prefix(
      std::min(authorization.find_first_not_of(' ', space), authorization.size()));
  const auto decoded = decode_base64(authorization);
  // crypt(3) would take what stands before a NUL for the whole password.
  if (!decoded || decoded->find('\0') != std::string::npos) return std::nullopt;
  const std::size_t colon = decoded->find(':');
  if (colon == std::string::npos) return std::nullopt;
  return BasicCredentials{decoded->substr(0, colon), decoded->substr(colon + 1)};
}

}  // namespace loopscope
