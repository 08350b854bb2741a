#pragma once

#include <compare>
#include <string>

namespace loopscope {

/// A function that blocked a loop, as told apart in the figures.
struct CulpritKey {
  std::string function;
  std::string file;
  int line = 0;  ///< 0: not known

  auto operator<=>(const CulpritKey&) const = default;
};

}  // namespace loopscope
