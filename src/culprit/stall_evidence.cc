#include "culprit/stall_evidence.h"

#include <algorithm>
#include <utility>

namespace loopscope {
namespace {

bool is_same_function(const ResolvedStack& a, const ResolvedStack& b) {
  return a.function == b.function && a.file == b.file;
}

/// The latest of the samples that name what most of them name; of equally many, what was
/// named first. nullptr: no two of several name the same. (Of a running thread the heap is read
/// after the sample was taken, so one sample alone may name what ran a moment later.)
ResolvedStack* majority(std::vector<ResolvedStack>& samples) {
  ResolvedStack* best = nullptr;
  std::ptrdiff_t most = samples.size() > 1 ? 1 : 0;
  for (const ResolvedStack& sample : samples) {
    if (!sample.has_name()) continue;
    const auto votes = std::count_if(samples.begin(), samples.end(), [&](const ResolvedStack& s) {
      return is_same_function(s, sample);
    });
    if (votes <= most) continue;
    most = votes;
    best = &*std::find_if(samples.rbegin(), samples.rend(),
                          [&](const ResolvedStack& s) { return is_same_function(s, sample); });
  }
  return best;
}

}  // namespace

const ResolvedStack* StallEvidence::add_capture(Nanos at, std::vector<ResolvedStack> samples) {
  if (samples.empty()) return nullptr;
  ResolvedStack* named = majority(samples);
  if (named == nullptr) {
    unnamed_ = std::move(samples.back());
    has_unnamed_ = true;
    return nullptr;
  }
  Suspect* suspect = suspect_for(*named);
  if (suspect == nullptr) return nullptr;
  // The one seen before ran until now; the first also before it was seen.
  Suspect& ran = suspects_.size() == 1 ? suspects_.front() : suspects_[current_];
  ran.time += std::max(at - since_, Nanos(0));
  since_ = std::max(since_, at);
  current_ = static_cast<std::size_t>(suspect - suspects_.data());
  suspect->latest = std::move(*named);
  return &suspect->latest;
}

const ResolvedStack* StallEvidence::culprit(Nanos now) const {
  if (suspects_.empty()) return has_unnamed_ ? &unnamed_ : nullptr;
  const Suspect* best = nullptr;
  Nanos most{0};
  for (std::size_t i = 0; i < suspects_.size(); ++i) {
    Nanos time = suspects_[i].time;
    if (i == current_) time += std::max(now - since_, Nanos(0));
    if (best == nullptr || time > most) {
      best = &suspects_[i];
      most = time;
    }
  }
  return &best->latest;
}

StallEvidence::Suspect* StallEvidence::suspect_for(const ResolvedStack& stack) {
  for (Suspect& suspect : suspects_) {
    if (is_same_function(suspect.latest, stack)) return &suspect;
  }
  if (suspects_.size() >= kMaxSuspects) return nullptr;
  return &suspects_.emplace_back();
}

}  // namespace loopscope
