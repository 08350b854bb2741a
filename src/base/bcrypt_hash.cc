#include "base/bcrypt_hash.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"

namespace loopscope {
namespace {

constexpr std::size_t kPrefixSize = 4;  // "$2y$"
constexpr std::size_t kHashSize = 60;
constexpr std::size_t kSaltAt = 7;

bool is_bcrypt_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '.' || c == '/';
}

bool has_the_form(std::string_view text) {
  const std::string_view prefix = text.substr(0, kPrefixSize);
  if (text.size() != kHashSize || (prefix != "$2a$" && prefix != "$2b$" && prefix != "$2y$")) {
    return false;
  }
  return is_digit(text[4]) && is_digit(text[5]) && text[6] == '$' &&
         std::all_of(text.begin() + kSaltAt, text.end(), is_bcrypt_letter);
}

}  // namespace

BcryptHash::BcryptHash(std::string text, int cost) : text_(std::move(text)), cost_(cost) {}

Result<BcryptHash> BcryptHash::parse(std::string_view text) {
  if (!has_the_form(text)) {
    return Error{
        "not a bcrypt hash; expected 60 characters that begin with $2a$, $2b$ or $2y$, as "
        "`htpasswd -nB USER` prints them after the colon"};
  }
  const int cost = (text[4] - '0') * 10 + (text[5] - '0');
  if (cost < kMinCost || cost > kMaxCost) {
    return Error{"a bcrypt hash of cost " + std::to_string(cost) + "; allowed are " +
                 std::to_string(kMinCost) + " to " + std::to_string(kMaxCost)};
  }
  return BcryptHash(std::string(text), cost);
}

BcryptHash BcryptHash::of_nothing(int cost) {
  std::string text = "$2y$00$";
  text[4] = static_cast<char>('0' + cost / 10);
  text[5] = static_cast<char>('0' + cost % 10);
  text.resize(kHashSize, '.');
  return BcryptHash(std::move(text), cost);
}

}  // namespace loopscope
