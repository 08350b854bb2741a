#include "export/basic_auth.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "export/basic_credentials.h"

namespace loopscope {
namespace {

Nanos interval_of(int cost) {
  constexpr int kReference = 10;
  return cost < kReference ? BasicAuth::kIntervalAtCost10 / (1 << (kReference - cost))
                           : BasicAuth::kIntervalAtCost10 * (1 << (cost - kReference));
}

/// In a time that depends on the size alone.
template <std::size_t kSize>
bool same(const std::array<char, kSize>& a, const std::array<char, kSize>& b) {
  unsigned difference = 0;
  for (std::size_t i = 0; i < kSize; ++i) {
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  }
  return difference == 0;
}

}  // namespace

BasicAuth::BasicAuth(const Clock& clock, Verify verify, const UserHashes& users)
    : clock_(clock), verify_(std::move(verify)), users_(make_users(users)) {}

std::shared_ptr<BasicAuth::Users> BasicAuth::make_users(const UserHashes& hashes) {
  int cost = BcryptHash::kMinCost;
  for (const auto& [name, hash] : hashes) cost = std::max(cost, hash.cost());
  const Nanos interval = interval_of(cost);
  auto users = std::make_shared<Users>(Users{{},
                                             {BcryptHash::of_nothing(cost)},
                                             RateLimiter(interval, kBurst),
                                             std::chrono::ceil<std::chrono::seconds>(interval)});
  for (const auto& [name, hash] : hashes) users->by_name.emplace(name, User{hash});
  return users;
}

void BasicAuth::set_users(const UserHashes& users) {
  auto fresh = make_users(users);
  const std::lock_guard lock(mutex_);
  users_ = std::move(fresh);
}

void BasicAuth::close() {
  const std::lock_guard lock(mutex_);
  users_ = nullptr;
}

Admission BasicAuth::admit(std::string_view authorization) {
  auto credentials = parse_basic_credentials(authorization);
  Password password{};
  if (credentials) {
    credentials->password.resize(std::min(credentials->password.size(), password.size()));
    std::ranges::copy(credentials->password, password.begin());
  }
  std::unique_lock verifying(verifying_, std::defer_lock);
  std::shared_ptr<Users> users;
  User* user = nullptr;
  {
    const std::lock_guard lock(mutex_);
    users = users_;
    if (!users) return {Admission::Verdict::kClosed};
    if (users->by_name.empty()) return {Admission::Verdict::kAdmitted};
    if (!credentials) return {Admission::Verdict::kUnauthorized};
    const auto found = users->by_name.find(credentials->user);
    user = found == users->by_name.end() ? &users->nobody : &found->second;
    const bool known = same(user->password, password);
    if (user->proven && known) return {Admission::Verdict::kAdmitted};
    if (!verifying.try_lock() || !users->guesses.allow(clock_.now())) {
      return {Admission::Verdict::kTryLater, users->retry_after};
    }
  }
  const bool right = verify(credentials->password, user->hash, users->nobody.hash.cost());
  if (!right || user == &users->nobody) return {Admission::Verdict::kUnauthorized};
  const std::lock_guard lock(mutex_);
  user->proven = true;
  user->password = password;
  return {Admission::Verdict::kAdmitted};
}

bool BasicAuth::verify(const std::string& password, const BcryptHash& hash,
                       int highest_cost) const {
  const bool right = verify_(password, hash);
  // 2^cost, and then 2^cost + 2^(cost+1) + ... up to the highest, is the work of the highest.
  for (int cost = hash.cost(); cost < highest_cost; ++cost) {
    verify_(password, BcryptHash::of_nothing(cost));
  }
  return right;
}

}  // namespace loopscope
