#include "culprit/v8/v8_string.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

namespace loopscope {
namespace {

constexpr std::uint16_t kRepresentationMask = 7;
constexpr std::uint16_t kSequential = 0;
constexpr std::uint16_t kCons = 1;
constexpr std::uint16_t kExternalString = 2;
constexpr std::uint16_t kSliced = 3;
constexpr std::uint16_t kThin = 5;
constexpr std::uint16_t kOneByte = 8;

constexpr int kMaxDepth = 8;     // of strings that stand for others
constexpr int kMaxPieces = 128;  // of one cons string

void append_utf8(std::string& out, std::uint32_t code_point) {
  if (code_point < 0x20 || code_point == 0x7f) {
    out += '?';
  } else if (code_point < 0x80) {
    out += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    out += static_cast<char>(0xc0 | (code_point >> 6));
    out += static_cast<char>(0x80 | (code_point & 0x3f));
  } else if (code_point < 0x10000) {
    out += static_cast<char>(0xe0 | (code_point >> 12));
    out += static_cast<char>(0x80 | ((code_point >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (code_point & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | (code_point >> 18));
    out += static_cast<char>(0x80 | ((code_point >> 12) & 0x3f));
    out += static_cast<char>(0x80 | ((code_point >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (code_point & 0x3f));
  }
}

std::string to_utf8(const std::vector<std::uint16_t>& units) {
  constexpr std::uint32_t kReplacement = 0xfffd;
  std::string out;
  for (std::size_t i = 0; i < units.size(); ++i) {
    const std::uint32_t unit = units[i];
    if (unit < 0xd800 || unit > 0xdfff) {
      append_utf8(out, unit);
    } else if (unit < 0xdc00 && i + 1 < units.size() && units[i + 1] >= 0xdc00 &&
               units[i + 1] <= 0xdfff) {
      append_utf8(out, 0x10000 + ((unit - 0xd800) << 10) + (units[i + 1] - 0xdc00U));
      ++i;
    } else {
      append_utf8(out, kReplacement);
    }
  }
  return out;
}

/// At most `limit` of the characters, from the end that is kept, as UTF-16.
std::optional<std::vector<std::uint16_t>> some_characters(const V8Heap& heap, V8Characters from,
                                                          std::size_t limit, V8NameEnd kept) {
  const std::size_t count = std::min<std::size_t>(from.length, limit);
  const std::size_t width = from.one_byte ? 1 : 2;
  if (kept == V8NameEnd::kEnd) from.address += (from.length - count) * width;
  std::array<std::byte, kMaxNameLength * 2> bytes;
  const std::span part = std::span(bytes).first(count * width);
  if (count > 0 && !heap.memory().read(from.address, part)) return std::nullopt;
  std::vector<std::uint16_t> units(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (from.one_byte) {
      units[i] = std::to_integer<std::uint16_t>(part[i]);
    } else {
      std::memcpy(&units[i], part.data() + i * 2, 2);
    }
  }
  return units;
}

}  // namespace

std::optional<V8Characters> flat_characters(const V8Heap& heap, std::uint64_t tagged) {
  const V8Layout& layout = heap.layout();
  std::uint64_t skipped = 0;
  std::optional<std::uint32_t> length;
  for (int depth = 0; depth < kMaxDepth; ++depth) {
    const auto string = heap.object(tagged);
    if (!string || !heap.is_string(*string)) return std::nullopt;
    const auto own =
        heap.memory().read_value<std::uint32_t>(string->address + layout.string_length);
    const auto payload = heap.field(*string, layout.string_payload);
    if (!own || (!payload && *own > 0)) return std::nullopt;
    if (!length) length = *own;
    const bool one_byte = (string->type & kOneByte) != 0;
    const std::uint64_t skipped_bytes = skipped * (one_byte ? 1 : 2);
    switch (string->type & kRepresentationMask) {
      case kSequential:
      case kExternalString: {
        std::uint64_t start = string->address + layout.string_payload;
        if ((string->type & kRepresentationMask) == kExternalString) {
          const auto data = heap.field(*string, layout.string_second);
          if (!data) return std::nullopt;
          start = *data;
        }
        if (skipped + *length > *own) return std::nullopt;
        return V8Characters{start + skipped_bytes, *length, one_byte};
      }
      case kThin:
        break;
      case kSliced: {
        const auto offset = heap.smi_field(*string, layout.string_second);
        if (!offset || *offset < 0) return std::nullopt;
        skipped += static_cast<std::uint32_t>(*offset);
        break;
      }
      case kCons: {
        const auto second = heap.field(*string, layout.string_second);
        const auto rest = second ? heap.object(*second) : std::nullopt;
        if (!rest || !heap.is_string(*rest)) return std::nullopt;
        const auto rest_length =
            heap.memory().read_value<std::uint32_t>(rest->address + layout.string_length);
        if (!rest_length || *rest_length != 0) return std::nullopt;
        break;
      }
      default:
        return std::nullopt;
    }
    tagged = *payload;
  }
  return std::nullopt;
}

std::optional<std::string> read_string(const V8Heap& heap, std::uint64_t tagged, V8NameEnd kept) {
  constexpr std::uint16_t kEllipsis = 0x2026;
  const V8Layout& layout = heap.layout();
  const bool from_end = kept == V8NameEnd::kEnd;
  std::vector<std::uint16_t> units;
  std::vector<std::uint64_t> pending{tagged};
  bool is_cut = false;
  for (int piece = 0; piece < kMaxPieces && !pending.empty(); ++piece) {
    if (units.size() >= kMaxNameLength) break;
    const std::uint64_t next = pending.back();
    pending.pop_back();
    if (const auto flat = flat_characters(heap, next)) {
      const auto more = some_characters(heap, *flat, kMaxNameLength - units.size(), kept);
      if (!more) return std::nullopt;
      is_cut = more->size() < flat->length;
      units.insert(from_end ? units.begin() : units.end(), more->begin(), more->end());
      continue;
    }
    const auto string = heap.object(next);
    if (!string || !heap.is_string(*string) || (string->type & kRepresentationMask) != kCons) {
      return std::nullopt;
    }
    const auto first = heap.field(*string, layout.string_payload);
    const auto second = heap.field(*string, layout.string_second);
    if (!first || !second) return std::nullopt;
    pending.push_back(from_end ? *first : *second);
    pending.push_back(from_end ? *second : *first);
  }
  if (!pending.empty() && units.size() < kMaxNameLength) return std::nullopt;
  if (from_end && !units.empty() && (is_cut || !pending.empty())) units.front() = kEllipsis;
  return to_utf8(units);
}

}  // namespace loopscope
