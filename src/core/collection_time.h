#pragma once

#include <cstdint>
#include <optional>

#include "core/loop_sample.h"

namespace loopscope {

/// Adds up the garbage collections of one busy period from what looks are told of the newest
/// two. How many there were is counted apart, so that those between two looks that nobody
/// saw are known of; each is taken to have lasted as long as the mean of those seen at the
/// same look. Not thread-safe.
class CollectionTime {
 public:
  /// Nothing before `from` counts.
  void begin(Nanos from);
  /// A look at `at` was told of these. What began at `until` or later belongs to another period.
  void add(const Collections& told, Nanos at, Nanos until = Nanos::max());
  /// So far, of the one in progress its part until `now`.
  Nanos total(Nanos now) const;

 private:
  Nanos begin_{0};
  Nanos counted_until_{0};
  Nanos looked_at_{0};
  Nanos total_{0};
  Nanos running_since_{0};  ///< 0: none is in progress
  std::optional<std::uint32_t> count_;
  bool count_is_wrong_ = false;
};

}  // namespace loopscope
