#include "engine/observer_log.h"

#include <spdlog/spdlog.h>

#include <cstddef>
#include <map>
#include <utility>

#include "engine/pod_text.h"

namespace loopscope {
namespace {

// A host that makes ever new reasons must not make this grow for ever.
constexpr std::size_t kMaxTold = 4096;

}  // namespace

bool ObserverLog::is_new(std::string key) {
  if (told_.size() >= kMaxTold) told_.clear();
  return told_.insert(std::move(key)).second;
}

void ObserverLog::found(const FoundProcess& process, const LoopLabels& labels) {
  const RuntimeInfo& runtime = process.runtime;
  spdlog::info("target found: {} slot {} pid {}{} ({}{}{})", labels.process, labels.slot,
               process.id.pid, pod_text(labels.extra), runtime.name,
               runtime.version.empty() ? "" : " ", runtime.version);
}

void ObserverLog::gone(const LoopLabels& labels) {
  spdlog::info("target gone: {} pid {}{}", labels.process, labels.pid, pod_text(labels.extra));
}

void ObserverLog::problem(int pid, const std::string& source, const std::string& reason,
                          const LoopLabels& labels) {
  // Two sources that fail for one reason are one thing to tell.
  if (!is_new(std::to_string(pid) + ' ' + reason)) return;
  if (pid == 0) {
    spdlog::warn("{}: {}", source, reason);
  } else {
    spdlog::warn("pid {}{}: {}: {}", pid, pod_text(labels.extra), source, reason);
  }
}

void ObserverLog::left_out(const std::vector<LeftOutProcess>& processes) {
  std::map<std::string, std::string> by_reason;
  for (const LeftOutProcess& process : processes) {
    if (!is_new(std::to_string(process.id.pid) + " left out " +
                std::to_string(process.id.start_time))) {
      continue;
    }
    std::string& names = by_reason[process.reason];
    if (!names.empty()) names += ", ";
    names += process.comm + " pid " + std::to_string(process.id.pid);
  }
  std::string text;
  for (const auto& [reason, names] : by_reason) {
    if (!text.empty()) text += "; ";
    text += names;
    text += " (" + reason + ")";
  }
  if (!text.empty()) spdlog::info("left out, no event loop: {}", text);
}

void ObserverLog::unselected(const std::vector<UnselectedProcess>& processes) {
  for (const UnselectedProcess& process : processes) {
    if (!is_new("unselected " + process.name)) continue;
    spdlog::info(
        "left out: {} pid {} has an event loop ({}) and listens on no TCP port; to watch it, "
        "select it with --pid {} or --name",
        process.name, process.pid, process.runtime, process.pid);
  }
}

}  // namespace loopscope
