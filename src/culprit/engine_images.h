#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "culprit/native/native_class.h"
#include "target/loaded_image.h"
#include "target/memory_map.h"

namespace loopscope {

/// Which images of a process belong to a script engine (Node, Python, Bun...): those that are
/// named so or export an engine's interface, under whatever name, and the libraries they were
/// linked with. What stands in them is never the program's own; add-ons, and the libraries
/// those bring, may be. Not thread-safe.
class EngineImages {
 public:
  struct Facts {
    std::string engine;  ///< "Node", "Python"...; empty: none
    bool has_v8_symbols = false;
    std::vector<std::string> needed;  ///< DT_NEEDED of an engine
  };

  /// Looks into the images that were not there before; the costs of one (some milliseconds for
  /// Node) are paid once. At most kMaxImages.
  void update(int pid, const MemoryMap& map);
  void add(const std::string& path, Facts facts) { images_[path] = std::move(facts); }
  void clear() { *this = {}; }

  /// The engine of the process; empty: none is known.
  std::string_view engine() const;
  /// The image that tells debuggers of V8; absent: none.
  std::optional<LoadedImage> load_v8_image(int pid, const MemoryMap& map) const;
  bool is_engine(const std::string& path) const;
  /// A library that the engine itself is linked with.
  bool is_engines_library(const std::string& path) const;

 private:
  static constexpr std::size_t kMaxImages = 512;

  std::map<std::string, Facts> images_;  ///< by path
};

}  // namespace loopscope
