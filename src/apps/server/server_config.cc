#include "apps/server/server_config.h"

#include <array>
#include <charconv>
#include <vector>

#include "base/quoted_text.h"
#include "config/config_file.h"
#include "config/suggestion.h"
#include "config/yaml_tree.h"

namespace loopscope {
namespace {

constexpr std::array<std::string_view, 3> kKeys = {"listen", "metrics_listen", "cluster"};

template <typename T>
Result<void> assign(T& out, Result<T> value) {
  if (!value) return value.error();
  out = *std::move(value);
  return {};
}

Result<void> read_value(const std::string& key, const std::string& text, ServerConfig& config) {
  if (key == "listen") return assign(config.listen, parse_listen_address(text));
  if (key == "metrics_listen") return assign(config.metrics_listen, parse_listen_address(text));
  return assign(config.cluster, parse_cluster(text));
}

std::string unknown_key(const std::string& key) {
  std::string hint = did_you_mean(key, {kKeys.begin(), kKeys.end()});
  if (hint.empty()) hint = "; known are listen, metrics_listen, cluster";
  return "unknown key " + quoted_text(key) + hint;
}

}  // namespace

Result<unsigned> parse_cluster(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > kMaxClusterWorkers) {
    return Error{quoted_text(text) + " is not a number of workers from 0 to " +
                 std::to_string(kMaxClusterWorkers)};
  }
  return value;
}

Result<ServerConfig> parse_server_config(std::string_view yaml, const std::string& name) {
  const auto root = parse_yaml(yaml);
  if (!root) return Error{name + ":" + root.error().message};
  ServerConfig config;
  if (root->kind == YamlNode::Kind::kNull) return config;
  if (root->kind != YamlNode::Kind::kMapping) {
    return error_at(name, *root, "expected settings such as \"listen: 127.0.0.1:3000\"");
  }
  for (const auto& [key, value] : root->entries) {
    bool known = false;
    for (const std::string_view candidate : kKeys) known = known || candidate == key.text;
    if (!known) return error_at(name, key, unknown_key(key.text));
    if (value.kind != YamlNode::Kind::kScalar) {
      const YamlNode& where = value.kind == YamlNode::Kind::kNull ? key : value;
      return error_at(name, where, key.text + ": expected a single value");
    }
    if (auto ok = read_value(key.text, value.text, config); !ok) {
      return error_at(name, value, key.text + ": " + ok.error().message);
    }
  }
  return config;
}

Result<ServerConfig> read_server_config_file(const std::string& path) {
  const auto text = read_text_file(path, kMaxYamlBytes);
  if (!text) return text.error();
  return parse_server_config(*text, path);
}

}  // namespace loopscope
