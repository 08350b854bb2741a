#include "culprit/v8/v8_code.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>

namespace loopscope {
namespace {

/// Functions longer than this are not found from their end.
constexpr std::uint64_t kMaxCodeSize = std::uint64_t{1} << 20;
constexpr std::size_t kChunk = 4096;
constexpr std::size_t kMaxTable = std::size_t{1} << 20;
/// Words that look like a header and are none.
constexpr int kMaxFalseHeaders = 256;

/// The Code object whose instructions begin at `start`, if there is one and it holds `pc`.
/// `word`: what stands where its header would have the pointer to it.
std::optional<V8Code> code_at(const V8Heap& heap, std::uint64_t start, std::uint64_t word,
                              std::uint64_t pc) {
  const V8Layout& layout = heap.layout();
  const std::uint64_t tagged = layout.code_is_inline ? start - layout.stream_header + 1 : word;
  const auto object = heap.object_of(tagged, layout.type_code);
  if (!object) return std::nullopt;
  std::uint64_t own_start = start;
  std::uint32_t size = 0;
  std::uint32_t flags = 0;
  const std::array pieces{RemoteRead{object->address + layout.code_size, &size, sizeof size},
                          RemoteRead{object->address + layout.code_flags, &flags, sizeof flags},
                          RemoteRead{object->address + layout.code_start, &own_start, 8}};
  if (!heap.memory().read_many(std::span(pieces).first(layout.code_is_inline ? 2 : 3))) {
    return std::nullopt;
  }
  if (own_start != start || pc < start || pc - start >= size) return std::nullopt;
  const std::uint32_t kind = flags & layout.code_kind_mask;
  V8Code code{*object, V8Code::Kind::kOther, start, size};
  if (kind == layout.code_kind_baseline) code.kind = V8Code::Kind::kBaseline;
  if (kind > layout.code_kind_baseline) code.kind = V8Code::Kind::kOptimized;
  const bool has_maglev = layout.translation_begin != 0;
  if (has_maglev && kind == layout.code_kind_baseline + 1) code.kind = V8Code::Kind::kMaglev;
  return code;
}

/// Word of the header that is looked at: the map in a Code object, the Code in a stream.
std::uint64_t header_word(const V8Layout& layout) {
  return layout.code_is_inline ? layout.stream_header : layout.stream_header - 8;
}

}  // namespace

std::optional<V8Code> V8CodeFinder::find(const V8Heap& heap, std::uint64_t pc) {
  const V8Layout& layout = heap.layout();
  if (const auto above = starts_.upper_bound(pc); above != starts_.begin()) {
    const std::uint64_t start = *std::prev(above);
    const auto word = heap.word(start - header_word(layout));
    auto code = word ? code_at(heap, start, *word, pc) : std::nullopt;
    if (code) return code;
  }
  const std::uint64_t alignment = layout.stream_alignment;
  if (alignment == 0 || pc < kMaxCodeSize) return std::nullopt;
  std::array<std::byte, kChunk + 256> bytes;
  int false_headers = 0;
  std::uint64_t end = pc - pc % alignment + alignment;  // the next start is below
  while (pc - std::min(pc, end) < kMaxCodeSize) {
    // Starts in [end - kChunk, end), with their headers in front.
    const std::uint64_t low = end - kChunk - layout.stream_header;
    std::span part = std::span(bytes).first(kChunk + layout.stream_header);
    std::uint64_t readable = low;
    if (!heap.memory().read(low, part)) {
      // The first page of a code space: what is left of it above a page's edge.
      readable = (end - 1) & ~std::uint64_t{0xfff};
      part = part.first(end - readable);
      if (readable < low || part.empty() || !heap.memory().read(readable, part))
        return std::nullopt;
    }
    for (std::uint64_t start = end - alignment; start + kChunk >= end; start -= alignment) {
      if (start > pc) continue;
      const std::uint64_t place = start - header_word(layout);
      if (place < readable || place - readable + 8 > part.size()) break;
      std::uint64_t word = 0;
      std::memcpy(&word, part.data() + (place - readable), sizeof word);
      if (!V8Heap::is_pointer(word) || (word & 3) != 1) continue;
      if (auto code = code_at(heap, start, word, pc)) {
        if (starts_.size() >= kMaxRemembered) starts_.clear();
        starts_.insert(start);
        return code;
      }
      if (++false_headers > kMaxFalseHeaders) return std::nullopt;
    }
    if (readable != low) return std::nullopt;
    end -= kChunk;
  }
  return std::nullopt;
}

std::optional<std::vector<std::byte>> read_byte_array(const V8Heap& heap, const V8Object& array) {
  const auto length = heap.array_length(array);
  if (!length || *length > kMaxTable) return std::nullopt;
  std::vector<std::byte> bytes(*length);
  if (!bytes.empty() && !heap.memory().read(array.address + heap.layout().array_data, bytes)) {
    return std::nullopt;
  }
  return bytes;
}

}  // namespace loopscope
