#include "culprit/v8/v8_scripts.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string_view>

#include "culprit/v8/v8_string.h"

namespace loopscope {
namespace {

constexpr std::size_t kMaxScripts = 256;
constexpr std::size_t kMaxRememberedEnds = std::size_t{1} << 20;
/// How far into a source lines are counted, in characters.
constexpr std::uint32_t kMaxPosition = 6U << 20;
constexpr std::uint32_t kMaxLines = 1U << 26;
constexpr std::size_t kChunk = 65536;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string percent_decoded(std::string_view url) {
  std::string out;
  for (std::size_t i = 0; i < url.size(); ++i) {
    const bool escape = url[i] == '%' && i + 2 < url.size() && hex_digit(url[i + 1]) >= 0 &&
                        hex_digit(url[i + 2]) >= 0;
    const int code = escape ? hex_digit(url[i + 1]) * 16 + hex_digit(url[i + 2]) : 0;
    if (escape && code >= 0x20 && code != 0x7f) {
      out += static_cast<char>(code);
      i += 2;
    } else {
      out += url[i];
    }
  }
  return out;
}

/// Number of line ends before `position` in V8's own table, an array of ascending Smis.
std::optional<std::size_t> search_line_ends(const V8Heap& heap, const V8Object& table,
                                            std::uint32_t position) {
  const auto count = heap.array_length(table);
  if (!count || *count > kMaxLines) return std::nullopt;
  std::uint32_t low = 0;
  std::uint32_t high = *count;
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    const auto end =
        heap.word(table.address + heap.layout().array_data + std::uint64_t{middle} * 8);
    if (!end || !V8Heap::is_smi(*end)) return std::nullopt;
    if (V8Heap::smi_value(*end) < static_cast<std::int64_t>(position)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

bool ends_line(std::uint32_t unit, std::uint32_t next) {
  constexpr std::uint32_t kLineSeparator = 0x2028;
  constexpr std::uint32_t kParagraphSeparator = 0x2029;
  if (unit == '\r') return next != '\n';
  return unit == '\n' || unit == kLineSeparator || unit == kParagraphSeparator;
}

/// Looks for line ends in characters [begin, end); false if they cannot be read.
bool collect_line_ends(const V8Heap& heap, const V8Characters& source, std::uint32_t begin,
                       std::uint32_t end, std::vector<std::uint32_t>& ends) {
  std::vector<std::byte> bytes(kChunk);
  const std::uint32_t width = source.one_byte ? 1 : 2;
  while (begin < end) {
    // One more than asked for: "\r" ends a line only if no "\n" follows.
    const std::uint32_t available = source.length - begin;
    const std::uint32_t wanted = std::min<std::uint32_t>(end - begin + 1, kChunk / width);
    const std::uint32_t got = std::min(available, wanted);
    const std::uint32_t usable = std::min(got == available ? got : got - 1, end - begin);
    const std::span part = std::span(bytes).first(std::size_t{got} * width);
    if (usable == 0 || !heap.memory().read(source.address + std::uint64_t{begin} * width, part)) {
      return false;
    }
    const auto unit_at = [&](std::uint32_t i) -> std::uint32_t {
      if (i >= got) return 0;
      if (width == 1) return std::to_integer<std::uint32_t>(part[i]);
      std::uint16_t unit = 0;
      std::memcpy(&unit, part.data() + std::size_t{i} * 2, 2);
      return unit;
    };
    for (std::uint32_t i = 0; i < usable; ++i) {
      if (ends_line(unit_at(i), unit_at(i + 1))) ends.push_back(begin + i);
    }
    begin += usable;
  }
  return true;
}

/// EJS writes the path as a string.
std::string without_quotes(std::string url) {
  const bool quoted = url.size() >= 2 && url.front() == '"' && url.back() == '"';
  return quoted ? url.substr(1, url.size() - 2) : url;
}

/// The path or URL that a field of a Script says, "file://" cut off; empty: it says none.
std::string file_named(const V8Heap& heap, std::uint64_t tagged) {
  constexpr std::string_view kScheme = "file://";
  const auto object = heap.object(tagged);
  if (!object || !heap.is_string(*object)) return {};
  const auto file = read_string(heap, tagged, V8NameEnd::kEnd);
  // Code of a file all the same: without one, its caller would be blamed.
  if (!file) return "<unreadable>";
  if (!file->starts_with(kScheme)) return *file;
  return percent_decoded(std::string_view(*file).substr(kScheme.size()));
}

}  // namespace

V8Scripts::Name V8Scripts::name_of(const V8Heap& heap, const V8Object& script) {
  const V8Layout& layout = heap.layout();
  const auto name = heap.field(script, layout.script_name);
  if (!name) return {};
  std::string file = file_named(heap, *name);
  if (!file.empty() || layout.script_source_url == 0) return {std::move(file)};
  const auto url = heap.field(script, layout.script_source_url);
  if (!url) return {};
  file = without_quotes(file_named(heap, *url));
  // Code made at run time must not pass for the runtime's own.
  if (file.empty() || is_internal(file)) return {};
  return {std::move(file), true};
}

bool V8Scripts::is_internal(const std::string& file) {
  return file.starts_with("node:") || file.starts_with("internal/") || file.starts_with("v8/") ||
         file.starts_with("extensions::");
}

std::optional<std::size_t> V8Scripts::lines_before(const V8Heap& heap, const V8Object& script,
                                                   std::uint32_t position) {
  const V8Layout& layout = heap.layout();
  if (const auto table = heap.field(script, layout.script_line_ends)) {
    if (const auto array = heap.object_of(*table, layout.type_fixed_array)) {
      // An empty array stands in for none.
      if (heap.array_length(*array).value_or(0) > 0)
        return search_line_ends(heap, *array, position);
    }
  }
  if (position > kMaxPosition) return std::nullopt;
  const auto source = heap.field(script, layout.script_source);
  const auto characters = source ? flat_characters(heap, *source) : std::nullopt;
  if (!characters || position > characters->length) return std::nullopt;
  const Key key{heap.smi_field(script, layout.script_id).value_or(-1), characters->length};
  if (lines_.size() >= kMaxScripts || remembered_ends_ >= kMaxRememberedEnds) {
    lines_.clear();
    remembered_ends_ = 0;
  }
  Lines& lines = lines_[key];
  if (lines.scanned < position) {
    const std::size_t before = lines.ends.size();
    if (!collect_line_ends(heap, *characters, lines.scanned, position, lines.ends)) {
      lines.ends.resize(before);
      return std::nullopt;
    }
    lines.scanned = position;
    remembered_ends_ += lines.ends.size() - before;
  }
  return static_cast<std::size_t>(std::lower_bound(lines.ends.begin(), lines.ends.end(), position) -
                                  lines.ends.begin());
}

int V8Scripts::line_of(const V8Heap& heap, const V8Object& script, std::uint32_t position) {
  const auto before = lines_before(heap, script, position);
  if (!before) return 0;
  const std::int64_t offset = heap.smi_field(script, heap.layout().script_line_offset).value_or(0);
  const std::int64_t line = offset + static_cast<std::int64_t>(*before) + 1;
  return line > 0 && line <= std::numeric_limits<int>::max() ? static_cast<int>(line) : 0;
}

}  // namespace loopscope
