#pragma once

#include <string>

#include "base/bcrypt_hash.h"

namespace loopscope {

/// Whether the hash is of this password, which has no NUL byte. Takes the time that the cost
/// of the hash asks for. Thread-safe.
bool bcrypt_matches(const std::string& password, const BcryptHash& hash);

}  // namespace loopscope
