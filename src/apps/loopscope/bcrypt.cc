#include "apps/loopscope/bcrypt.h"

#include <crypt.h>

#include <memory>
#include <string_view>

namespace loopscope {

bool bcrypt_matches(const std::string& password, const BcryptHash& hash) {
  const auto data = std::make_unique<crypt_data>();  // 32 KiB, too much for a stack
  const char* const computed = crypt_r(password.c_str(), hash.text().c_str(), data.get());
  // The digests alone: the last character of a salt has spellings that mean the same.
  constexpr std::size_t kDigestAt = 29;
  const std::string_view result = computed == nullptr ? "" : computed;
  return result.size() == hash.text().size() &&
         result.substr(kDigestAt) == std::string_view(hash.text()).substr(kDigestAt);
}

}  // namespace loopscope
