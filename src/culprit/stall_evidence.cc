#include "culprit/stall_evidence.h"

#include <algorithm>
#include <utility>

#include "culprit/culprit_place.h"

namespace loopscope {
namespace {

/// Where a function begins tells those without a name apart; 0: not known.
int function_line_of(const ResolvedStack& stack) {
  const StackFrame* frame = blamed_frame(stack);
  return frame == nullptr ? 0 : frame->function_line;
}

bool is_same_function(const ResolvedStack& a, const ResolvedStack& b) {
  return a.function == b.function && a.file == b.file && function_line_of(a) == function_line_of(b);
}

bool is_same_line(const ResolvedStack& a, const ResolvedStack& b) {
  return is_same_function(a, b) && a.line == b.line && a.generated_line == b.generated_line;
}

/// The function that most samples name; of equally many, the one named first. Of its samples
/// those of the line that most of them have; of equally many, the one seen last; of these the
/// latest. nullptr: no two of several name the same function. (Of a running thread the heap is
/// read after the sample was taken, so one sample alone may name what ran a moment later.)
ResolvedStack* majority(std::vector<ResolvedStack>& samples) {
  const auto votes_of = [&samples](const ResolvedStack& sample, const auto& is_same) {
    return std::count_if(samples.begin(), samples.end(),
                         [&](const ResolvedStack& other) { return is_same(other, sample); });
  };
  const ResolvedStack* function = nullptr;
  std::ptrdiff_t most = samples.size() > 1 ? 1 : 0;
  for (const ResolvedStack& sample : samples) {
    if (!sample.has_name()) continue;
    const auto votes = votes_of(sample, is_same_function);
    if (votes <= most) continue;
    most = votes;
    function = &sample;
  }
  if (function == nullptr) return nullptr;
  ResolvedStack* best = nullptr;
  most = 0;
  for (ResolvedStack& sample : samples) {
    if (!is_same_function(sample, *function)) continue;
    const auto votes = votes_of(sample, is_same_line);
    if (votes < most) continue;
    most = votes;
    best = &sample;
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
  // The one seen before ran until now; the first also before it was seen.
  const bool is_first = suspects_.empty();
  if (!is_first) credit(at);
  Suspect* suspect = suspect_for(*named);
  if (suspect == nullptr) return nullptr;
  current_ = static_cast<std::size_t>(suspect - suspects_.data());
  Line& line = line_for(*suspect, *named);
  suspect->current = static_cast<std::size_t>(&line - suspect->lines.data());
  line.latest = std::move(*named);
  if (is_first) credit(at);
  return &line.latest;
}

void StallEvidence::credit(Nanos until) {
  Suspect& ran = suspects_[current_];
  const Nanos time = std::max(until - since_, Nanos(0));
  ran.time += time;
  ran.lines[ran.current].time += time;
  since_ = std::max(since_, until);
}

const ResolvedStack* StallEvidence::culprit(Nanos now) const {
  if (suspects_.empty()) return has_unnamed_ ? &unnamed_ : nullptr;
  const Nanos uncredited = std::max(now - since_, Nanos(0));
  const auto time_of = [](const auto& part, bool is_current, Nanos more) {
    return part.time + (is_current ? more : Nanos(0));
  };
  std::size_t best = 0;
  for (std::size_t i = 1; i < suspects_.size(); ++i) {
    if (time_of(suspects_[i], i == current_, uncredited) >
        time_of(suspects_[best], best == current_, uncredited)) {
      best = i;
    }
  }
  const Suspect& suspect = suspects_[best];
  const Nanos more = best == current_ ? uncredited : Nanos(0);
  std::size_t line = suspect.current;
  for (std::size_t i = 0; i < suspect.lines.size(); ++i) {
    if (time_of(suspect.lines[i], i == suspect.current, more) >
        time_of(suspect.lines[line], line == suspect.current, more)) {
      line = i;
    }
  }
  return &suspect.lines[line].latest;
}

StallEvidence::Suspect* StallEvidence::suspect_for(const ResolvedStack& stack) {
  for (Suspect& suspect : suspects_) {
    if (is_same_function(suspect.lines.front().latest, stack)) return &suspect;
  }
  if (suspects_.size() >= kMaxSuspects) return nullptr;
  return &suspects_.emplace_back();
}

StallEvidence::Line& StallEvidence::line_for(Suspect& suspect, const ResolvedStack& stack) {
  for (Line& line : suspect.lines) {
    if (is_same_line(line.latest, stack)) return line;
  }
  if (suspect.lines.size() < kMaxLines) return suspect.lines.emplace_back();
  // Whichever ran least makes room.
  Line& least = *std::ranges::min_element(suspect.lines, {}, &Line::time);
  least = {};
  return least;
}

}  // namespace loopscope
