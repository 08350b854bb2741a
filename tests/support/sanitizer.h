#pragma once

namespace loopscope {

/// Whether a sanitizer watches this build.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

/// How many of `rounds` random inputs a property test tries here. A sanitizer looks for
/// another kind of fault, which the first inputs show, and makes each ten times as slow.
constexpr unsigned rounds_here(unsigned rounds) { return kSanitized ? (rounds + 4) / 5 : rounds; }

}  // namespace loopscope
