#include "engine/selection.h"

#include "target/process_id.h"

namespace loopscope {
namespace {

SelectEntry entry_of(const TargetConfig& target) {
  SelectEntry entry;
  entry.label = target.name;
  entry.port = target.port.value_or(0);
  if (target.pid) {
    entry.kind = SelectEntry::Kind::kPid;
    entry.pid = *target.pid;
  } else if (target.port) {
    entry.kind = SelectEntry::Kind::kPort;
  } else {
    entry.kind = SelectEntry::Kind::kName;
  }
  if (target.process) {
    entry.pattern = target.process->text();
    entry.name_matches = [pattern = *target.process](std::string_view name) {
      return pattern.matches(name);
    };
  }
  return entry;
}

}  // namespace

Selection selection_of(const Config& config, std::optional<int> child_pid,
                       std::optional<int> supervisor_pid) {
  Selection selection;
  selection.supervisor_pid = supervisor_pid.value_or(0);
  if (child_pid) {
    SelectEntry child;
    child.kind = SelectEntry::Kind::kChild;
    child.pid = *child_pid;
    selection.entries.push_back(std::move(child));
    return selection;
  }
  for (const TargetConfig& target : config.targets) selection.entries.push_back(entry_of(target));
  return selection;
}

Result<void> check_pids(const Config& config) {
  for (const TargetConfig& target : config.targets) {
    if (!target.pid) continue;
    if (const auto id = identify(*target.pid); !id) return id.error();
  }
  return {};
}

LoopOptions loop_options_of(const Config& config, std::size_t entry) {
  LoopOptions options;
  options.sample_interval = config.sample_interval;
  options.stall_threshold = config.stall_threshold;
  options.use_uv_stack = config.sources.uv_stack;
  options.use_procfs = config.sources.procfs;
  options.max_loops = config.max_loops;
  if (entry < config.targets.size()) {
    const TargetConfig& target = config.targets[entry];
    options.stall_threshold = target.stall_threshold.value_or(config.stall_threshold);
    options.internal_loops = target.internal_loops;
  }
  return options;
}

StackCapturer::Options capture_options_of(const Config& config) {
  const StackSwitches& stacks = config.stacks;
  return {.enabled = stacks.enabled,
          .ways = {.perf = stacks.perf, .sleeping = stacks.sleeping, .ptrace = stacks.ptrace}};
}

}  // namespace loopscope
