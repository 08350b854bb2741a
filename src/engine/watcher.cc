#include "engine/watcher.h"

#include <spdlog/spdlog.h>

#include <map>
#include <memory>
#include <utility>

#include "base/guarded.h"
#include "engine/selection.h"
#include "log/logging.h"

namespace loopscope {
namespace {

constexpr std::size_t kStallsKept = 1000;

void append_stacks_source(Snapshot& out, const TargetRegistry& targets,
                          const std::map<ProcessId, std::string>& unread) {
  SourceSnapshot& stacks = out.sources.emplace_back();
  stacks.source = "stacks";
  for (const auto& [process, reason] : unread) {
    if (!targets.find(process)) continue;
    stacks.success = false;
    stacks.reason = "pid " + std::to_string(process.pid) + ": " + reason;
    break;
  }
}

}  // namespace

Watcher::Watcher(const Config& config, std::optional<int> child_pid, const Clock& clock,
                 std::optional<int> supervisor_pid)
    : clock_(clock),
      child_pid_(child_pid),
      supervisor_pid_(supervisor_pid),
      stall_reporter_(clock, log_with_fields,
                      [](const std::string& text) { spdlog::warn("{}", text); }),
      stall_log_(clock, kStallsKept,
                 [this](const StallRecord& stall) { stall_reporter_.report(stall); }),
      capturer_(clock, stall_log_, capture_options_of(config),
                [this](const ProcessId& process, int tid, const V8StateWord& word) {
                  loops_.watch_gc(process, tid, word);
                }),
      loops_(capturer_, clock),
      backlog_({.interval = config.backlog_interval}, clock),
      config_(config),
      discovery_(selection_of(config, child_pid, supervisor_pid), clock),
      naming_(config.container_labels, clock),
      switches_(config.sources),
      stacks_enabled_(config.stacks.enabled),
      thread_("discovery", [this] { return look(); }) {}

Watcher::~Watcher() { stop(); }

Result<void> Watcher::start() {
  const Error no_threads{
      "cannot start the threads it takes to watch; raise the limit of threads (ulimit -u, "
      "pids.max of the control group)"};
  stall_reporter_.set_file(config_.stall_log);
  if (!stall_reporter_.works() || !capturer_.start() || !loops_.start()) return no_threads;
  if (config_.sources.backlog) backlog_.start();
  if (!thread_.start()) return no_threads;
  return {};
}

void Watcher::stop() {
  thread_.stop();
  backlog_.stop();
  loops_.stop();
  capturer_.stop();
}

void Watcher::apply(const Config& config) {
  {
    const std::lock_guard lock(mutex_);
    new_config_ = config;
  }
  thread_.wake();
}

bool Watcher::ready() const { return targets_.size() > 0; }

Nanos Watcher::look() {
  take_new_config();
  discover();
  return config_.discovery_interval;
}

void Watcher::take_new_config() {
  std::optional<Config> config;
  {
    const std::lock_guard lock(mutex_);
    std::swap(config, new_config_);
  }
  if (config) {
    config_ = std::move(*config);
    config_applied_ = false;
  }
  // Also what a look that failed has left undone.
  if (!config_applied_) apply_config();
  config_applied_ = true;
}

void Watcher::apply_config() {
  discovery_.set_selection(selection_of(config_, child_pid_, supervisor_pid_));
  naming_.configure(config_.container_labels);
  stall_reporter_.set_file(config_.stall_log);
  capturer_.set_options(capture_options_of(config_));
  backlog_.set_interval(config_.backlog_interval);
  if (!config_.sources.backlog) backlog_.stop();
  const std::lock_guard lock(mutex_);
  switches_ = config_.sources;
  stacks_enabled_ = config_.stacks.enabled;
}

void Watcher::discover() {
  const Nanos begin = clock_.now();
  if (config_.sources.backlog) backlog_.start();  // perhaps there was no thread for it before
  const DiscoveryResult result = discovery_.scan();
  drop_ended(result.found);
  naming_.keep_only(result.found);
  for (const FoundProcess& process : result.found) {
    run_guarded("discovery", [&] { refresh_target(process); });
  }
  update_backlog_targets();
  report(result);
  const std::lock_guard lock(mutex_);
  discovery_duration_ = clock_.now() - begin;
  discovery_problem_ = result.problem;
}

void Watcher::drop_ended(const std::vector<FoundProcess>& found) {
  const TargetRegistry::Targets ended = targets_.keep_only(found);
  loops_.drop(ended);
  for (const auto& target : ended) {
    log_.gone(target->facts().labels);
  }
}

void Watcher::refresh_target(const FoundProcess& process) {
  TargetFacts facts = naming_.facts_of(process, config_);
  const LoopOptions options = loop_options_of(config_, process.entry);
  std::shared_ptr<Target> target = targets_.find(process.id);
  if (target && !target->has_become_another(process)) {
    target->update(std::move(facts));
    loops_.admit(target, options);
  } else {
    target = std::make_shared<Target>(std::move(facts));
    loops_.admit(target, options);
    targets_.put(target);
    log_.found(process, target->labels()->get());
  }
  loops_.refresh(process.id, options);
  if (const std::string why = loops_.why_none(process.id); !why.empty()) {
    discovery_.reject(process.id.pid, why);
  }
  for (const SourceProblem& problem : loops_.problems(process.id)) {
    if (problem.source == "uv_stack") discovery_.doubt(process.id.pid);
  }
}

void Watcher::update_backlog_targets() {
  std::vector<BacklogTarget> targets;
  if (config_.sources.backlog) {
    for (const auto& target : targets_.all()) {
      TargetFacts facts = target->facts();
      targets.push_back({.labels = std::move(facts.labels), .port_hint = facts.port_hint});
    }
  }
  backlog_.set_targets(std::move(targets));
}

void Watcher::report(const DiscoveryResult& result) {
  if (!result.problem.empty()) log_.problem(0, "discovery", result.problem);
  for (const SkippedProcess& skipped : result.skipped) {
    log_.problem(skipped.pid, "discovery", skipped.reason);
  }
  log_.left_out(result.left_out);
  log_.unselected(result.unselected);
  if (const std::string problem = naming_.problem(); !problem.empty()) {
    log_.problem(0, "container_labels", problem);
  }
  std::map<int, LoopLabels> labels;  // by pid
  for (const auto& target : targets_.all()) labels[target->id().pid] = target->labels()->get();
  for (const BacklogNote& note : backlog_.notes()) {
    log_.problem(note.pid, "backlog", note.text, labels[note.pid]);
  }
  for (const auto& target : targets_.all()) {
    const int pid = target->id().pid;
    for (const SourceProblem& problem : loops_.problems(target->id())) {
      if (!problem.is_early) log_.problem(pid, problem.source, problem.reason, labels[pid]);
    }
  }
  for (const auto& [process, reason] : capturer_.problems()) {
    log_.problem(process.pid, "stacks", "functions have no names: " + reason, labels[process.pid]);
  }
}

Snapshot Watcher::snapshot() {
  Snapshot out;
  for (const auto& target : targets_.all()) {
    const TargetFacts facts = target->facts();
    out.processes.push_back({.labels = facts.labels,
                             .runtime = facts.process.runtime.name,
                             .runtime_version = facts.process.runtime.version,
                             .executable = facts.process.program.executable});
  }
  out.targets = out.processes.size();
  loops_.append_loops(out);
  append_sources(out);
  backlog_.append_snapshot(out);
  out.stack_captures = capturer_.snapshot();
  return out;
}

void Watcher::append_sources(Snapshot& out) const {
  SourceSwitches switches;
  bool has_stacks = false;
  {
    const std::lock_guard lock(mutex_);
    SourceSnapshot& discovery = out.sources.emplace_back();
    discovery.source = "discovery";
    discovery.duration = discovery_duration_;
    discovery.success = discovery_problem_.empty();
    discovery.reason = discovery_problem_;
    switches = switches_;
    has_stacks = stacks_enabled_;
  }
  loops_.append_sources(out, switches);
  if (has_stacks) append_stacks_source(out, targets_, capturer_.problems());
}

std::vector<StallRecord> Watcher::stalls(std::size_t limit) { return stall_log_.newest(limit); }

}  // namespace loopscope
