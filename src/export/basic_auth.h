#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/bcrypt_hash.h"
#include "base/clock.h"
#include "base/rate_limiter.h"

namespace loopscope {

/// What becomes of a request.
struct Admission {
  /// kClosed: nobody is answered yet, as it is not known who may ask.
  enum class Verdict { kAdmitted, kUnauthorized, kTryLater, kClosed };

  Verdict verdict = Verdict::kAdmitted;
  std::chrono::seconds retry_after{0};  ///< of kTryLater

  friend bool operator==(const Admission&, const Admission&) = default;
};

/// HTTP basic authentication against bcrypt hashes. Thread-safe.
///
/// bcrypt is slow on purpose, so it runs for one request at a time and, after kBurst of them,
/// for about a tenth of a core; requests beyond that are told to come later and wait for
/// nothing. A password once found right is remembered, so that it costs nothing and gets
/// through while others guess. Every guess takes the same work, whether there is such a user
/// or not and whatever the cost of that user's hash.
class BasicAuth {
 public:
  using Verify = std::function<bool(const std::string& password, const BcryptHash& hash)>;

  static constexpr std::uint64_t kBurst = 8;
  /// Of guesses; doubles and halves with the work of one. A guess at cost 10 takes 50 ms.
  static constexpr Nanos kIntervalAtCost10 = std::chrono::milliseconds(500);

  /// `verify` compares one password with one hash; called from one thread at a time, with
  /// passwords of at most BcryptHash::kMaxPasswordBytes and no NUL. No users: everybody is
  /// admitted. `clock` must outlive this.
  BasicAuth(const Clock& clock, Verify verify, const UserHashes& users);

  /// Replaces the users and forgets the passwords found right.
  void set_users(const UserHashes& users);
  /// Admits nobody until set_users().
  void close();

  /// `authorization` is that header of the request, empty if there is none.
  Admission admit(std::string_view authorization);

 private:
  /// Fixed in size, so that comparing tells nothing by its time.
  using Password = std::array<char, BcryptHash::kMaxPasswordBytes>;
  struct User {
    BcryptHash hash;
    bool proven = false;
    Password password{};  ///< once proven
  };
  struct Users {
    std::map<std::string, User, std::less<>> by_name;
    User nobody;  ///< stands for every unknown name; of the highest cost
    RateLimiter guesses;
    std::chrono::seconds retry_after;
  };

  static std::shared_ptr<Users> make_users(const UserHashes& hashes);
  bool verify(const std::string& password, const BcryptHash& hash, int highest_cost) const;

  const Clock& clock_;
  const Verify verify_;
  std::mutex mutex_;              ///< of what follows and all in it; never held while bcrypt runs
  std::shared_ptr<Users> users_;  ///< null: closed
  std::mutex verifying_;          ///< held while bcrypt runs; only ever tried
};

}  // namespace loopscope
