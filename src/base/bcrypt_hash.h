#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace loopscope {

/// A password's bcrypt hash as password files have it: "$2y$", two digits of cost, "$", 22
/// characters of salt, 31 of digest. Each step of the cost doubles the work of a comparison.
class BcryptHash {
 public:
  static constexpr int kMinCost = 4;
  static constexpr int kMaxCost = 14;  ///< about a second of work
  /// bcrypt looks at no more of a password.
  static constexpr std::size_t kMaxPasswordBytes = 72;

  /// Takes $2a$, $2b$ and $2y$. The error says what is wrong and never repeats the text: it
  /// may be a password.
  static Result<BcryptHash> parse(std::string_view text);

  /// A hash of nothing that anybody knows. To compare with it takes as long as with any other
  /// of that cost, which is within the bounds above.
  static BcryptHash of_nothing(int cost);

  const std::string& text() const { return text_; }
  int cost() const { return cost_; }

  friend bool operator==(const BcryptHash&, const BcryptHash&) = default;

 private:
  BcryptHash(std::string text, int cost);

  std::string text_;
  int cost_;
};

/// Users and the hashes of their passwords.
using UserHashes = std::map<std::string, BcryptHash, std::less<>>;

}  // namespace loopscope
