#include "target/package_name.h"

#include <algorithm>
#include <cstddef>

#include "base/ascii.h"
#include "target/json_member.h"

namespace loopscope {
namespace {

constexpr std::size_t kMaxName = 214;
constexpr int kMaxFolders = 32;

}  // namespace

std::optional<std::string> package_name_in(std::string_view json) {
  auto members = json_members(json, {"name"});
  std::string& name = members["name"];
  if (name.empty() || name.size() > kMaxName) return std::nullopt;
  if (std::any_of(name.begin(), name.end(), is_ascii_control)) return std::nullopt;
  return std::move(name);
}

std::optional<std::string> nearest_package_name(
    const std::string& path,
    const std::function<std::optional<std::string>(const std::string& file)>& read) {
  std::string folder = path;
  const std::size_t dependency = folder.find("/node_modules/");
  const std::string owner = dependency == std::string::npos ? "" : folder.substr(0, dependency);
  const auto walk = [&read](std::string at) -> std::optional<std::string> {
    for (int i = 0; i < kMaxFolders; ++i) {
      if (const auto text = read(at + "/package.json")) {
        if (auto name = package_name_in(*text)) return name;
      }
      if (at.empty()) return std::nullopt;
      at.resize(at.rfind('/') == std::string::npos ? 0 : at.rfind('/'));
    }
    return std::nullopt;
  };
  while (folder.ends_with('/')) folder.pop_back();
  if (dependency != std::string::npos) {
    if (auto name = walk(owner)) return name;
  }
  return walk(folder);
}

}  // namespace loopscope
