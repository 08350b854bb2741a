#pragma once

#include <compare>
#include <string>

namespace loopscope {

/// A function that blocked a loop, as told apart in the figures: one function is one key,
/// whichever of its lines ran.
struct CulpritKey {
  std::string function;
  std::string file;
  int line = 0;         ///< where the function begins; 0: not known
  std::string package;  ///< the dependency that ran; empty: the program itself

  auto operator<=>(const CulpritKey&) const = default;
};

}  // namespace loopscope
