#pragma once

#include <string_view>

namespace loopscope {

/// One file of web/, built into the binary.
struct WebAsset {
  std::string_view path;  ///< as requested: "/", "/app.js"
  std::string_view content_type;
  std::string_view content;
};

/// The file served at `path`; nullptr: none.
const WebAsset* find_web_asset(std::string_view path);

}  // namespace loopscope
