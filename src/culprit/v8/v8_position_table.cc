#include "culprit/v8/v8_position_table.h"

namespace loopscope {
namespace {

constexpr std::uint64_t kExternalPosition = 1;
constexpr std::uint64_t kOffsetMask = 0x3fffffff;
constexpr std::uint64_t kInliningMask = 0xffff;
constexpr int kInliningShift = 31;

/// Reads variable-length integers one after the other.
class VarintReader {
 public:
  explicit VarintReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  bool at_end() const { return at_ >= bytes_.size(); }
  std::optional<std::uint64_t> next() {
    constexpr int kBits = 7;
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += kBits) {
      if (at_end()) return std::nullopt;
      const auto byte = std::to_integer<std::uint64_t>(bytes_[at_++]);
      value |= (byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    return std::nullopt;
  }
  std::optional<std::int64_t> next_signed() {
    const auto value = next();
    if (!value) return std::nullopt;
    return static_cast<std::int64_t>((*value >> 1) ^ (~(*value & 1) + 1));
  }
  /// A step of the code offset.
  std::optional<std::uint64_t> next_step(V8CodeSteps steps) {
    constexpr int kFlagBits = 2;
    if (steps == V8CodeSteps::kFlagged) {
      const auto value = next();
      return value ? std::optional(*value >> kFlagBits) : std::nullopt;
    }
    const auto value = next_signed();
    if (!value) return std::nullopt;
    return static_cast<std::uint64_t>(*value < 0 ? -(*value + 1) : *value);
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<V8Position> decode_position(std::uint64_t raw) {
  const std::uint64_t offset = (raw >> 1) & kOffsetMask;
  if ((raw & kExternalPosition) != 0 || offset == 0) return std::nullopt;
  V8Position position;
  position.offset = static_cast<std::uint32_t>(offset - 1);
  position.inlining_id = static_cast<int>((raw >> kInliningShift) & kInliningMask) - 1;
  return position;
}

std::vector<V8Position> find_positions(std::span<const std::byte> table, V8CodeSteps steps,
                                       std::int64_t first, std::int64_t last) {
  VarintReader reader(table);
  // Unsigned sums: a hostile table may let them overflow.
  std::uint64_t code = ~std::uint64_t{0};
  std::uint64_t raw = 0;
  std::vector<V8Position> found;
  while (!reader.at_end()) {
    const auto code_step = reader.next_step(steps);
    const auto position_step = reader.next_signed();
    if (!code_step || !position_step) return {};
    code += *code_step;
    raw += static_cast<std::uint64_t>(*position_step);
    const auto at = static_cast<std::int64_t>(code);
    if (at > last) break;
    // Of those at or before the first, the last one counts.
    if (at <= first) found.clear();
    if (const auto position = decode_position(raw)) found.push_back(*position);
    if (found.size() > kMaxPositions) return {};
  }
  return found;
}

std::optional<V8Position> find_position(std::span<const std::byte> table, V8CodeSteps steps,
                                        std::int64_t offset) {
  const auto found = find_positions(table, steps, offset, offset);
  return found.empty() ? std::nullopt : std::optional(found.back());
}

std::optional<std::int64_t> find_baseline_bytecode(std::span<const std::byte> pc_table,
                                                   std::span<const std::byte> bytecodes,
                                                   std::span<const std::uint8_t> sizes,
                                                   std::size_t bytecode_count,
                                                   std::uint64_t pc_offset) {
  // The first four bytecodes are prefixes that widen the operands of the next.
  constexpr std::size_t kPrefixes = 4;
  if (bytecode_count <= kPrefixes || sizes.size() < bytecode_count * 3) return std::nullopt;
  VarintReader reader(pc_table);
  const auto prologue = reader.next();
  if (!prologue) return std::nullopt;
  std::uint64_t end = *prologue;
  if (pc_offset < end) return -1;
  for (std::size_t at = 0; at < bytecodes.size();) {
    const std::size_t begin = at;
    auto bytecode = std::to_integer<std::size_t>(bytecodes[at]);
    std::size_t scale = 0;
    if (bytecode < kPrefixes) {
      scale = bytecode % 2 == 0 ? 1 : 2;
      if (++at >= bytecodes.size()) return std::nullopt;
      bytecode = std::to_integer<std::size_t>(bytecodes[at]);
    }
    if (bytecode >= bytecode_count) return std::nullopt;
    const std::size_t size = sizes[scale * bytecode_count + bytecode];
    const auto length = reader.next();
    if (size == 0 || !length) return std::nullopt;
    end += *length;
    if (pc_offset < end) return static_cast<std::int64_t>(begin);
    at += size;
  }
  return std::nullopt;
}

}  // namespace loopscope
