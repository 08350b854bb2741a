#include "apps/server/http_message.h"

#include <http_parser.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

namespace loopscope::server {
namespace {

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      decoded.push_back(' ');
    } else if (text[i] != '%') {
      decoded.push_back(text[i]);
    } else {
      unsigned value = 0;
      if (i + 2 >= text.size()) return std::nullopt;
      const char* digits = text.data() + i + 1;
      if (std::from_chars(digits, digits + 2, value, 16).ptr != digits + 2) return std::nullopt;
      decoded.push_back(static_cast<char>(value));
      i += 2;
    }
  }
  return decoded;
}

}  // namespace

HttpResponse error_response(int status, std::string_view message) {
  const nlohmann::json body = {{"error", message}};
  return HttpResponse::json(
      status, body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

std::string serialize(const HttpResponse& response, bool head_only, bool keep_alive,
                      bool http_1_0) {
  std::string text = http_1_0 ? "HTTP/1.0 " : "HTTP/1.1 ";
  text += std::to_string(response.status) + " " +
          http_status_str(static_cast<http_status>(response.status)) + "\r\n";
  text += "Content-Type: " + response.content_type + "\r\n";
  text += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  text += keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n";
  for (const auto& [name, value] : response.headers) {
    text.append(name).append(": ").append(value).append("\r\n");
  }
  text += "\r\n";
  if (!head_only) text += response.body;
  return text;
}

bool parse_target(std::string_view target, HttpRequest& request) {
  http_parser_url url;
  http_parser_url_init(&url);
  if (http_parser_parse_url(target.data(), target.size(), 0, &url) != 0) return false;
  const auto field = [&](http_parser_url_fields which) {
    if ((url.field_set & (1U << which)) == 0) return std::string_view();
    return target.substr(url.field_data[which].off, url.field_data[which].len);
  };
  auto path = percent_decode(field(UF_PATH), false);
  if (!path) return false;
  request.path = *std::move(path);
  request.query.clear();
  std::string_view query = field(UF_QUERY);
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto name = percent_decode(pair.substr(0, equals), true);
    auto value = percent_decode(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!name || !value) return false;
    request.query[*std::move(name)] = *std::move(value);
  }
  return true;
}

}  // namespace loopscope::server
