#include "culprit/v8/v8_isolate.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <unordered_set>
#include <vector>

namespace loopscope {
namespace {

constexpr std::uint64_t kRootBias = 0x80;
constexpr std::uint64_t kStackGuardIsolate = 8;
constexpr std::uint64_t kStackLimit = 16;
constexpr std::uint64_t kIsolateAlignment = 16;
/// Bytes on both sides of c_entry_fp in which ThreadLocalTop::isolate_ stands (96 at most in any
/// version so far; never the StackGuard's, which is 120 below the root).
constexpr std::uint64_t kSelfSearched = 128;
/// Stacks are smaller than this, or set so by hand.
constexpr std::uint64_t kMaxStack = std::uint64_t{64} << 20;
/// How much of a stack is searched, and how many of its words are tried.
constexpr std::size_t kMaxSearched = std::size_t{256} << 10;
constexpr std::size_t kMaxCandidates = 2048;
constexpr std::uint32_t kGarbageCollection = 1;
constexpr std::uint32_t kStateCount = 16;

}  // namespace

std::optional<std::uint64_t> V8Isolates::distance_to_limit(std::uint64_t root, std::uint64_t sp,
                                                           const MemoryReader& memory) const {
  const std::uint64_t isolate = root - kRootBias;
  if (root < 0x10000 || isolate % kIsolateAlignment != 0) return std::nullopt;
  std::array<std::uint64_t, 2> guard{};
  static_assert(kStackLimit == kStackGuardIsolate + 8);
  const RemoteRead piece{isolate + kStackGuardIsolate, guard.data(), sizeof guard};
  if (!memory.read_many({&piece, 1}) || guard[0] != isolate) return std::nullopt;
  if (!has_self(root, memory)) return std::nullopt;
  return sp - guard[1];
}

bool V8Isolates::has_self(std::uint64_t root, const MemoryReader& memory) const {
  const std::uint64_t isolate = root - kRootBias;
  const auto at = [&](std::int32_t offset) {
    return root + static_cast<std::uint64_t>(std::int64_t{offset});
  };
  if (layout_.isolate_self != 0) {
    return memory.read_value<std::uint64_t>(at(layout_.isolate_self)) == isolate;
  }
  std::array<std::uint64_t, 2 * kSelfSearched / 8> words{};
  const std::uint64_t low = at(layout_.isolate_c_entry_fp) - kSelfSearched;
  if (!memory.read(low, std::as_writable_bytes(std::span(words)))) return false;
  return std::find(words.begin(), words.end(), isolate) != words.end();
}

bool V8Isolates::is_root(std::uint64_t root, const MemoryReader& memory) const {
  return distance_to_limit(root, 0, memory).has_value();
}

bool V8Isolates::is_root_of_stack(std::uint64_t root, std::uint64_t sp,
                                  const MemoryReader& memory) const {
  const auto distance = distance_to_limit(root, sp, memory);
  return distance && *distance <= kMaxStack;
}

std::uint64_t V8Isolates::find_root(std::uint64_t stack_low, std::uint64_t stack_high,
                                    const MemoryReader& memory) const {
  if (stack_high <= stack_low) return 0;
  std::vector<std::byte> bytes(std::min<std::uint64_t>(stack_high - stack_low, kMaxSearched));
  bytes.resize(memory.read_some(stack_low, bytes));
  std::unordered_set<std::uint64_t> tried;
  std::uint64_t best = 0;
  std::uint64_t best_distance = kMaxStack;
  for (std::size_t at = 0; at + 8 <= bytes.size() && tried.size() < kMaxCandidates; at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, sizeof word);
    const bool in_stack = word >= stack_low && word < stack_high;
    if (word < 0x10000 || word >= std::uint64_t{1} << 47 || word % kIsolateAlignment != 0 ||
        in_stack || !tried.insert(word).second) {
      continue;
    }
    const auto distance = distance_to_limit(word + kRootBias, stack_low, memory);
    if (distance && *distance < best_distance) {
      best = word + kRootBias;
      best_distance = *distance;
    }
  }
  return best;
}

std::optional<V8StackTops> V8Isolates::tops(std::uint64_t root, const MemoryReader& memory) const {
  V8StackTops tops;
  const auto at = [&](std::int32_t offset) {
    return root + static_cast<std::uint64_t>(std::int64_t{offset});
  };
  const std::array pieces{
      RemoteRead{at(layout_.isolate_c_entry_fp), &tops.c_entry_fp, 8},
      RemoteRead{at(layout_.isolate_fast_call_fp), &tops.fast_call_fp, 8},
  };
  const std::size_t count = layout_.isolate_fast_call_fp != 0 ? 2 : 1;
  if (!memory.read_many(std::span(pieces).first(count))) return std::nullopt;
  return tops;
}

std::optional<V8StateWord> V8Isolates::state_word(std::uint64_t root,
                                                  const MemoryReader& memory) const {
  if (root == 0 || layout_.isolate_state == 0 || !is_root(root, memory)) return std::nullopt;
  const std::uint64_t address =
      root + static_cast<std::uint64_t>(std::int64_t{layout_.isolate_state});
  // Newer versions keep 16 bits and leave the padding behind them as it was found.
  const auto value = memory.read_value<std::uint32_t>(address);
  if (!value || *value >= kStateCount) return std::nullopt;
  return V8StateWord{.address = address, .gc_value = kGarbageCollection, .collections = {}};
}

}  // namespace loopscope
