#include "config/web_config.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/quoted_text.h"
#include "config/config_file.h"
#include "config/suggestion.h"
#include "config/yaml_tree.h"

namespace loopscope {
namespace {

constexpr std::string_view kUsersKey = "basic_auth_users";
constexpr std::array<std::string_view, 1> kWebKeys = {kUsersKey};

bool is_unsayable(char c) {  // in the user name of a request
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F || c == ':';
}

std::string why_not_a_user(std::string_view user) {
  if (user.empty()) return "a user name must not be empty";
  if (user.size() > kMaxUserNameBytes) {
    return quoted_text(user) + " is longer than " + std::to_string(kMaxUserNameBytes) + " bytes";
  }
  if (std::any_of(user.begin(), user.end(), is_unsayable)) {
    return quoted_text(user) + ": a user name has no colon and no control characters";
  }
  return {};
}

std::string why_not_a_web_key(const std::string& key) {
  if (key == "tls_server_config") {
    return key + " is not supported; for TLS put a proxy in front and leave this key out";
  }
  if (key == "http_server_config") {
    return key +
           " is not supported; for HTTP/2 and headers put a proxy in front and leave this key out";
  }
  std::string hint = did_you_mean(key, kWebKeys);
  if (hint.empty()) hint = "; known is basic_auth_users";
  return "unknown key " + quoted_text(key) + hint;
}

Result<UserHashes> read_users(const YamlEntry& entry, const std::string& name) {
  const std::string key(kUsersKey);
  if (entry.value.kind != YamlNode::Kind::kMapping || entry.value.entries.empty()) {
    const YamlNode& where = entry.value.kind == YamlNode::Kind::kNull ? entry.key : entry.value;
    return error_at(name, where, key + ": expected at least one user, as NAME: HASH");
  }
  if (entry.value.entries.size() > kMaxUsers) {
    return error_at(name, entry.value, key + ": more than " + std::to_string(kMaxUsers) + " users");
  }
  UserHashes users;
  for (const auto& [user, value] : entry.value.entries) {
    const std::string why_not = why_not_a_user(user.text);
    if (!why_not.empty()) return error_at(name, user, "basic_auth_users: " + why_not);
    const YamlNode& where = value.kind == YamlNode::Kind::kNull ? user : value;
    auto hash = BcryptHash::parse(value.text);
    if (!hash) return error_at(name, where, quoted_text(user.text) + ": " + hash.error().message);
    users.emplace(user.text, *std::move(hash));
  }
  return users;
}

}  // namespace

Result<UserHashes> parse_web_config(std::string_view yaml, const std::string& name) {
  const auto root = parse_yaml(yaml);
  if (!root) return Error{name + ":" + root.error().message};
  UserHashes users;
  for (const YamlEntry& entry : root->entries) {
    if (entry.key.text != kUsersKey) {
      return error_at(name, entry.key, why_not_a_web_key(entry.key.text));
    }
    auto read = read_users(entry, name);
    if (!read) return read;
    users = *std::move(read);
  }
  if (users.empty()) {
    return error_at(name, *root,
                    "nobody could log in: expected basic_auth_users with at least one user");
  }
  return users;
}

Result<UserHashes> read_web_config_file(const std::string& path) {
  const auto text = read_text_file(path, kMaxYamlBytes);
  if (!text) return text.error();
  return parse_web_config(*text, path);
}

}  // namespace loopscope
