#include "export/negotiation.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace loopscope {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return out;
}

// The part before `separator`, trimmed; `rest` moves behind it.
std::string_view next_part(std::string_view& rest, char separator) {
  const std::size_t end = rest.find(separator);
  const std::string_view part = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  return trimmed(part);
}

// RFC 9110 weight, "0" to "1" with up to three digits; what is none counts as 0.
double weight(std::string_view text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1')) return 0;
  double value = text[0] - '0';
  double digit = 0.1;
  for (const char c : text.substr(std::min<std::size_t>(text.size(), 2))) {
    if (c < '0' || c > '9') return 0;
    value += digit * (c - '0');
    digit /= 10;
  }
  return std::min(value, 1.0);
}

struct Item {
  std::string name;
  std::string version;
  double q = 1;
};

Item parse_item(std::string_view text) {
  Item item{lower(next_part(text, ';')), {}, 1};
  while (!text.empty()) {
    std::string_view parameter = next_part(text, ';');
    const std::string key = lower(next_part(parameter, '='));
    if (key == "q") item.q = weight(trimmed(parameter));
    if (key == "version") item.version = trimmed(parameter);
  }
  return item;
}

}  // namespace

bool prefers_open_metrics(std::string_view accept) {
  double open_metrics = 0;
  std::optional<double> text, any_text, any;
  while (!accept.empty()) {
    const Item item = parse_item(next_part(accept, ','));
    if (item.name == "application/openmetrics-text") {
      if (item.version.empty() || item.version == "1.0.0") {
        open_metrics = std::max(open_metrics, item.q);
      }
    } else if (item.name == "text/plain") {
      text = std::max(text.value_or(0), item.q);
    } else if (item.name == "text/*") {
      any_text = item.q;
    } else if (item.name == "*/*") {
      any = item.q;
    }
  }
  const double plain = text.value_or(any_text.value_or(any.value_or(0)));
  return open_metrics > 0 && open_metrics >= plain;
}

bool accepts_gzip(std::string_view accept_encoding) {
  std::optional<double> gzip, any;
  while (!accept_encoding.empty()) {
    const Item item = parse_item(next_part(accept_encoding, ','));
    if (item.name == "gzip" || item.name == "x-gzip") gzip = item.q;
    if (item.name == "*") any = item.q;
  }
  return gzip.value_or(any.value_or(0)) > 0;
}

}  // namespace loopscope
