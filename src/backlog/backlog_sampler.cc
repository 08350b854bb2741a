#include "backlog/backlog_sampler.h"

#include <algorithm>
#include <set>

namespace loopscope {
namespace {

LoopLabels main_labels(LoopLabels labels) {
  labels.loop = "main";
  return labels;
}

std::string summary(const std::set<std::string>& failures) {
  if (failures.empty()) return {};
  std::string text = *failures.begin();
  if (failures.size() > 1) text += " (and " + std::to_string(failures.size() - 1) + " more)";
  return text;
}

}  // namespace

BacklogSampler::BacklogSampler(const BacklogOptions& options, const Clock& clock)
    : options_(options),
      clock_(clock),
      group_job_(options.owner_interval),
      owner_job_(options.owner_interval) {}

void BacklogSampler::set_targets(std::vector<BacklogTarget> targets) {
  std::map<int, Target> kept;
  for (BacklogTarget& target : targets) {
    const int pid = target.labels.pid;
    const auto before = targets_.find(pid);
    const bool stays = before != targets_.end() && is_alive(before->second.id);
    const Result<ProcessId> id = stays ? before->second.id : identify(pid);
    if (!id) continue;  // it has ended
    const bool is_known = stays && before->second.config.port_hint == target.port_hint;
    targets_changed_ = targets_changed_ || !is_known;
    target.labels = main_labels(std::move(target.labels));
    kept.emplace(pid, Target{std::move(target), *id});
  }
  targets_changed_ = targets_changed_ || kept.size() != targets_.size();
  targets_ = std::move(kept);
}

BacklogReport BacklogSampler::sample(bool force) {
  const Nanos begin = clock_.now();
  const bool regroup = force || targets_changed_ || group_job_.due(begin, false);
  if (regroup) {
    group_by_namespace();
    group_job_.ran(begin, clock_.now());
    targets_changed_ = false;
  }
  bool listeners_changed = false;
  for (auto& [id, watch] : namespaces_) {
    watch.sample_listeners(regroup);
    listeners_changed = listeners_changed || watch.listeners_changed();
  }
  const Nanos dumped = clock_.now();
  find_owners(dumped, force || owner_job_.due(dumped, listeners_changed));
  for (auto& [key, series] : series_) {
    series.present = false;
    series.depth = 0;
    series.limit = 0;
    series.owners = 0;
  }
  for (auto& [id, watch] : namespaces_) {
    add_depths(watch);
    watch.count_connections(force);
    watch.read_counters(force);
  }
  update_maxima(dumped);
  return report(begin, dumped);
}

// New processes are looked at when they come, each once; all of them within the budget.
void BacklogSampler::find_owners(Nanos begin, bool full) {
  for (auto& [id, watch] : namespaces_) {
    if (full || watch.has_new_processes()) watch.find_owners(full);
  }
  if (full) owner_job_.ran(begin, clock_.now());
}

void BacklogSampler::group_by_namespace() {
  std::map<NetnsId, std::vector<WatchedProcess>> groups;
  unplaced_.clear();
  for (auto entry = targets_.begin(); entry != targets_.end();) {
    const Target& target = entry->second;
    const int pid = target.id.pid;
    if (!is_alive(target.id)) {
      entry = targets_.erase(entry);
      continue;
    }
    ++entry;
    const Result<NetnsId> netns = netns_of(pid);
    const Result<ProcessOwner> owner = read_process_owner(pid);
    if (!netns || !owner) {
      unplaced_.push_back({pid, true, netns ? owner.error().message : netns.error().message});
      continue;
    }
    groups[*netns].push_back(
        {pid, *owner, {}, target.config.port_hint, target.id.start_time, false});
  }
  std::erase_if(namespaces_, [&](const auto& entry) { return !groups.contains(entry.first); });
  for (auto& [netns, processes] : groups) {
    const auto watch = namespaces_.try_emplace(netns, options_, clock_).first;
    watch->second.set_processes(std::move(processes));
  }
}

void BacklogSampler::add_depths(const NamespaceWatch& watch) {
  for (const DiagSocket& socket : watch.listeners()) {
    const std::vector<int>& owners = watch.index().owners_of(socket.inode);
    if (owners.empty()) continue;
    const auto target = targets_.find(owners.front());
    if (target == targets_.end()) continue;
    Series& series = series_[{target->second.id, socket.local}];
    series.present = true;
    series.depth += socket.rqueue;
    series.limit += socket.wqueue;
    series.owners = std::max(series.owners, owners.size());
  }
}

// A series that is absent because its dump failed keeps its maximum.
void BacklogSampler::update_maxima(Nanos now) {
  std::set<ProcessId> dumped;
  for (const auto& [id, watch] : namespaces_) {
    if (!watch.error().empty()) continue;
    for (const WatchedProcess& process : watch.processes()) {
      const auto target = targets_.find(process.pid);
      if (target != targets_.end()) dumped.insert(target->second.id);
    }
  }
  std::erase_if(series_, [&](const auto& entry) {
    const auto target = targets_.find(entry.first.first.pid);
    const bool ended = target == targets_.end() || target->second.id != entry.first.first;
    return ended || (!entry.second.present && dumped.contains(entry.first.first));
  });
  for (auto& [key, series] : series_) {
    if (series.present) series.max.record(now, series.depth);
  }
}

BacklogReport BacklogSampler::report(Nanos begin, Nanos now) {
  BacklogReport out;
  for (const auto& [id, watch] : namespaces_) report_namespace(watch, now, out);
  report_health(begin, out);
  return out;
}

void BacklogSampler::report_namespace(const NamespaceWatch& watch, Nanos now, BacklogReport& out) {
  for (const WatchedProcess& process : watch.processes()) {
    const auto target = targets_.find(process.pid);
    if (target == targets_.end()) continue;
    const LoopLabels& labels = target->second.config.labels;
    const ProcessId id = target->second.id;
    for (auto entry = series_.lower_bound({id, SocketAddress{}});
         entry != series_.end() && entry->first.first == id; ++entry) {
      Series& series = entry->second;
      if (!series.present) continue;
      const SocketAddress& address = entry->first.second;
      ListenerSnapshot& listener = out.listeners.emplace_back();
      listener.labels = labels;
      listener.listener = to_label(address);
      listener.depth = series.depth;
      listener.limit = series.limit;
      listener.max_1m = series.max.max(now);
      listener.owners = series.owners;
      listener.syn_received = watch.connections().syn_received(process, address, watch.index());
      listener.unread = watch.connections().unread(process, address, watch.index(), series.depth);
      listener.drain = watch.connections().drain(process, address, watch.index(), series.depth);
    }
    if (watch.counters()) {
      out.namespaces.push_back({labels, watch.counters()->overflows, watch.counters()->drops});
    }
  }
}

void BacklogSampler::report_health(Nanos begin, BacklogReport& out) const {
  if (targets_.empty()) return;
  out.notes = unplaced_;
  std::set<std::string> backlog_failures;
  std::set<std::string> counter_failures;
  bool has_fault = false;
  Nanos counters_duration{0};
  for (const auto& [id, watch] : namespaces_) {
    out.notes.insert(out.notes.end(), watch.notes().begin(), watch.notes().end());
    if (!watch.error().empty()) {
      backlog_failures.insert(watch.error());
      has_fault = has_fault || !watch.is_ruled_out();
    }
    if (!watch.counters_error().empty()) counter_failures.insert(watch.counters_error());
    counters_duration += watch.counters_duration();
  }
  for (const BacklogNote& note : out.notes) {
    if (!note.failure) continue;
    backlog_failures.insert(note.text);
    has_fault = true;
  }
  out.sources.push_back({.source = "backlog",
                         .success = backlog_failures.empty(),
                         .reason = summary(backlog_failures),
                         .duration = clock_.now() - begin,
                         .permitted = backlog_failures.empty() || has_fault});
  out.sources.push_back(
      {"tcp_ext", counter_failures.empty(), summary(counter_failures), counters_duration});
}

}  // namespace loopscope
