#include "engine/slot_table.h"

#include <algorithm>

namespace loopscope {
namespace {

template <typename Taken>
int lowest_free(const Taken& taken) {
  int slot = 0;
  for (const auto& [number, process] : taken) {
    if (number > slot) break;
    slot = number + 1;
  }
  return slot;
}

}  // namespace

int SlotTable::slot_of(const ProcessId& process, const Group& group, const Program& program,
                       Nanos now) {
  if (const auto held = holders_.find(process); held != holders_.end()) {
    if (held->second.group == group) return held->second.slot;
    // Another program, by exec, or another name.
    give_up(held->second, now);
    holders_.erase(held);
  }
  Numbers& numbers = groups_[group];
  std::erase_if(numbers.given_up,
                [now](const auto& number) { return now - number.second > kSuccession; });
  std::optional<int> wanted = program.instance;
  if (wanted && numbers.taken.contains(*wanted)) wanted.reset();
  if (wanted && program.instance_grows && !numbers.given_up.empty()) {
    wanted = numbers.given_up.begin()->first;
  }
  const int slot = wanted.value_or(lowest_free(numbers.taken));
  numbers.taken.emplace(slot, process);
  numbers.given_up.erase(slot);
  holders_.emplace(process, Holder{group, slot});
  return slot;
}

void SlotTable::keep_only(const std::vector<ProcessId>& present, Nanos now) {
  std::erase_if(holders_, [&](const auto& item) {
    if (std::ranges::binary_search(present, item.first)) return false;
    give_up(item.second, now);
    return true;
  });
  std::erase_if(groups_, [now](const auto& item) {
    const Numbers& numbers = item.second;
    return numbers.taken.empty() &&
           std::ranges::all_of(numbers.given_up, [now](const auto& number) {
             return now - number.second > kSuccession;
           });
  });
}

void SlotTable::give_up(const Holder& holder, Nanos now) {
  const auto group = groups_.find(holder.group);
  if (group == groups_.end()) return;
  group->second.taken.erase(holder.slot);
  group->second.given_up[holder.slot] = now;
}

}  // namespace loopscope
