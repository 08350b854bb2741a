#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "target/process_id.h"
#include "target/program.h"

namespace loopscope {

/// Numbers that tell processes of one name apart: the lowest that is free, unless the process
/// was given one by whoever started several (Program::instance) and nobody has it. A process
/// keeps its number for life; the next of that name takes it over. Not thread-safe.
class SlotTable {
 public:
  /// A number that counts up with every start is not taken while a number is free that another
  /// process of that name had so recently: it is that one's successor.
  static constexpr Nanos kSuccession = std::chrono::minutes(10);

  /// Among whom a number is unique.
  struct Group {
    std::string process;  ///< value of the label
    std::string place;    ///< what else tells the series apart: the container, or nothing
    auto operator<=>(const Group&) const = default;
  };

  int slot_of(const ProcessId& process, const Group& group, const Program& program, Nanos now);

  /// The processes that are there; ascending. All others' numbers are free.
  void keep_only(const std::vector<ProcessId>& present, Nanos now);

 private:
  struct Holder {
    Group group;
    int slot = 0;
  };
  struct Numbers {
    std::map<int, ProcessId> taken;
    std::map<int, Nanos> given_up;  ///< and when
  };

  void give_up(const Holder& holder, Nanos now);

  std::map<ProcessId, Holder> holders_;
  std::map<Group, Numbers> groups_;
};

}  // namespace loopscope
