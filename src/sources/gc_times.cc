#include "sources/gc_times.h"

#include <bit>
#include <cmath>

namespace loopscope {
namespace {

/// The clocks are one; this is for what passes between taking `now` and reading the words.
constexpr Nanos kAhead = std::chrono::seconds(1);

std::optional<Nanos> time_of(std::uint64_t word, bool in_milliseconds, Nanos now) {
  if (in_milliseconds) {
    const auto value = std::bit_cast<double>(word);
    const double latest = static_cast<double>((now + kAhead).count()) / 1e6;
    if (!std::isfinite(value) || value < 0 || value > latest) return std::nullopt;
    return Nanos(static_cast<std::int64_t>(value * 1e6));
  }
  if (word > static_cast<std::uint64_t>((now + kAhead).count()) / 1000) return std::nullopt;
  return Nanos(static_cast<std::int64_t>(word) * 1000);
}

}  // namespace

std::optional<Collections> collections_from(const GcTimeWords& words, bool in_milliseconds,
                                            Nanos now) {
  Collections collections;
  collections.count = words.count;
  std::size_t ended = 0;
  for (const auto* event : {&words.current, &words.previous}) {
    const auto start = time_of((*event)[0], in_milliseconds, now);
    const auto end = time_of((*event)[1], in_milliseconds, now);
    if (!start || !end) return std::nullopt;
    if (*start == Nanos(0)) continue;  // a cycle that has not stopped the thread yet
    if (*end >= *start) {
      collections.ended[ended++] = {*start, *end};
    } else if (*end != Nanos(0) || event == &words.previous) {
      // A previous one without an end is a cycle that a smaller collection interrupts.
      if (*end != Nanos(0)) return std::nullopt;
    } else {
      collections.running_since = *start;
    }
  }
  return collections;
}

}  // namespace loopscope
