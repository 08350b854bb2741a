#include "target/container_names.h"

#include <dirent.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "base/ascii.h"
#include "target/container_id.h"
#include "target/proc_file.h"
#include "target/text_part.h"

namespace loopscope {
namespace {

/// Fewer digits of an ID that was cut off could be those of another one.
constexpr std::size_t kLeastDigits = 12;
constexpr std::size_t kLongestFileName = 255;

/// Kubernetes allows no other characters in names of pods, namespaces and containers.
bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '.';
  });
}

}  // namespace

std::optional<ContainerLog> parse_container_log(std::string_view file_name) {
  constexpr std::string_view kSuffix = ".log";
  const std::size_t least_digits =
      file_name.size() == kLongestFileName ? kLeastDigits : kContainerIdDigits;
  if (!file_name.ends_with(kSuffix)) return std::nullopt;
  file_name.remove_suffix(kSuffix.size());
  const std::string_view pod = take_part(file_name, '_');
  const std::string_view pod_namespace = take_part(file_name, '_');
  const std::size_t dash = file_name.rfind('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view container = file_name.substr(0, dash);
  const std::string_view id = file_name.substr(dash + 1);
  if (id.size() < least_digits || id.size() > kContainerIdDigits) return std::nullopt;
  if (!std::all_of(id.begin(), id.end(), is_lower_hex)) return std::nullopt;
  if (!is_name(pod) || !is_name(pod_namespace) || !is_name(container)) return std::nullopt;
  return ContainerLog{std::string(id),
                      {std::string(pod_namespace), std::string(pod), std::string(container)}};
}

ContainerNames::ContainerNames(std::string directory, const Clock& clock)
    : directory_(std::move(directory)), clock_(clock) {}

std::optional<ContainerName> ContainerNames::find(std::string_view id) {
  auto name = known(id);
  if (name) return name;
  const Nanos now = clock_.now();
  if (read_at_ && now - *read_at_ < kBetweenReads) return std::nullopt;
  read_at_ = now;
  read();
  return known(id);
}

std::optional<ContainerName> ContainerNames::known(std::string_view id) const {
  // Of all keys that `id` can begin with, the nearest one before it in the order.
  const auto after = names_.upper_bound(id);
  if (after == names_.begin()) return std::nullopt;
  const auto& [key, name] = *std::prev(after);
  return id.starts_with(key) ? std::optional(name) : std::nullopt;
}

void ContainerNames::read() {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(directory_.c_str()), &::closedir);
  if (!directory) {
    problem_ = "cannot list " + directory_ + ": " + errno_text(errno) +
               "; namespace, pod and container are not known";
    return;
  }
  problem_.clear();
  names_.clear();
  std::size_t entries = 0;
  // readdir is safe here: no other thread sees this DIR.
  while (const dirent* entry = ::readdir(directory.get())) {  // NOLINT(concurrency-mt-unsafe)
    if (++entries > kMaxEntries) break;
    auto log = parse_container_log(entry->d_name);
    if (log) names_.emplace(std::move(log->id), std::move(log->name));
  }
}

}  // namespace loopscope
