#include "culprit/v8/v8_collector.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace loopscope {
namespace {

/// From the isolate's start: Heap, its pointer to GCTracer and its gc_count_. In the tracer:
/// the current event's start and end, and how far the previous event is from it. Found with
/// collections of known times and numbers, asked for by the program and not, on the official
/// x86-64 builds; a build that has them elsewhere fails the checks.
struct CollectorOffsets {
  int major;
  std::uint32_t heap;
  std::uint32_t tracer;
  std::uint32_t count;
  std::uint32_t start;
  std::uint32_t previous;
  bool in_milliseconds;
};

constexpr std::array kCollectorOffsets = {
    CollectorOffsets{18, 0xc638, 0xcf50, 0xc8a4, 0x20, 0x588, true},
    CollectorOffsets{20, 0xd2c0, 0xdbb8, 0xd504, 0x20, 0x5b0, true},
    CollectorOffsets{22, 0xdea0, 0xe568, 0xe054, 0x20, 0x600, false},
    CollectorOffsets{24, 0xeff8, 0xf748, 0xf234, 0x28, 0x658, false},
    CollectorOffsets{26, 0xf3c0, 0xfb40, 0xf604, 0x28, 0x6c8, false},
};

constexpr std::uint64_t kRootFromIsolate = 0x80;
/// In the tracer: its heap, then the current event, which begins with its type.
constexpr std::uint64_t kType = 8;
constexpr std::uint32_t kLastType = 5;

/// 0 or a time that has been; of an event that goes on the end is 0.
bool is_time(std::uint64_t word, bool in_milliseconds, Nanos now) {
  if (!in_milliseconds) return word <= static_cast<std::uint64_t>(now.count()) / 1000;
  const auto value = std::bit_cast<double>(word);
  return std::isfinite(value) && value >= 0 && value <= static_cast<double>(now.count()) / 1e6;
}

}  // namespace

std::optional<V8CollectionWords> find_v8_collection_words(int node_major, std::uint64_t root,
                                                          const MemoryReader& memory, Nanos now) {
  const auto offsets = std::ranges::find_if(
      kCollectorOffsets, [&](const CollectorOffsets& o) { return o.major == node_major; });
  if (offsets == kCollectorOffsets.end() || root < 0x10000) return std::nullopt;
  const std::uint64_t isolate = root - kRootFromIsolate;
  const auto tracer = memory.read_value<std::uint64_t>(isolate + offsets->tracer);
  if (!tracer || *tracer < 0x10000 || *tracer % 8 != 0) return std::nullopt;
  if (memory.read_value<std::uint64_t>(*tracer) != isolate + offsets->heap) return std::nullopt;
  const std::uint64_t current = *tracer + offsets->start;
  for (const std::uint64_t event : {std::uint64_t{0}, std::uint64_t{offsets->previous}}) {
    const auto type = memory.read_value<std::uint32_t>(*tracer + kType + event);
    std::array<std::uint64_t, 2> times{};
    const RemoteRead read{current + event, times.data(), sizeof times};
    if (!type || *type > kLastType || !memory.read_many({&read, 1})) return std::nullopt;
    for (const std::uint64_t time : times) {
      if (!is_time(time, offsets->in_milliseconds, now)) return std::nullopt;
    }
  }
  return V8CollectionWords{.current = current,
                           .previous = current + offsets->previous,
                           .count = isolate + offsets->count,
                           .in_milliseconds = offsets->in_milliseconds};
}

}  // namespace loopscope
