#include "export/web_assets.h"

#include <algorithm>
#include <array>

#include "web_files.h"

namespace loopscope {
namespace {

constexpr std::array kAssets = {
    WebAsset{"/", "text/html; charset=utf-8", web_files::kIndexHtml},
    WebAsset{"/app.js", "text/javascript; charset=utf-8", web_files::kAppJs},
    WebAsset{"/style.css", "text/css; charset=utf-8", web_files::kStyleCss},
    WebAsset{"/icon.svg", "image/svg+xml", web_files::kIconSvg},
    WebAsset{"/third-party.txt", "text/plain; charset=utf-8", web_files::kThirdPartyTxt},
};

}  // namespace

const WebAsset* find_web_asset(std::string_view path) {
  const auto* found = std::ranges::find(kAssets, path, &WebAsset::path);
  return found == kAssets.end() ? nullptr : found;
}

}  // namespace loopscope
