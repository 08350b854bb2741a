#include "engine/stall_reporter.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/guarded.h"
#include "core/line_text.h"
#include "engine/pod_text.h"

namespace loopscope {
namespace {

double milliseconds(Nanos time) { return std::chrono::duration<double, std::milli>(time).count(); }

/// "compute /srv/app.js:10"; empty if nothing is known.
std::string place(const StallRecord& stall) {
  std::string text = stall.function;
  if (!stall.file.empty()) text += (text.empty() ? "" : " ") + stall.file;
  if (!stall.file.empty()) text += line_text(stall.line, stall.generated_line);
  return text;
}

std::string text_of(const StallRecord& stall, std::uint64_t left_out) {
  std::array<char, 32> length{};
  std::snprintf(length.data(), length.size(), "%.0f", milliseconds(stall.duration));
  std::string text = "stall: " + stall.process + " pid " + std::to_string(stall.pid) +
                     pod_text(stall.labels) + " loop " + stall.loop + " blocked " + length.data() +
                     " ms in " + std::string(to_string(stall.phase)) + " (" +
                     std::string(to_string(stall.cause)) + ")";
  if (const std::string where = place(stall); !where.empty()) text += ": " + where;
  if (!stall.detail.empty()) text += ": " + stall.detail;
  if (left_out > 0) text += " (and " + std::to_string(left_out) + " more like it)";
  return text;
}

nlohmann::ordered_json fields_of(const StallRecord& stall, std::uint64_t left_out) {
  nlohmann::ordered_json fields = {{"process", stall.process}, {"pid", stall.pid}};
  for (const char* name : {"namespace", "pod", "container"}) {
    if (std::string value = label_of(stall.labels, name); !value.empty()) {
      fields[name] = std::move(value);
    }
  }
  fields["loop"] = stall.loop;
  fields["duration_seconds"] = milliseconds(stall.duration) / 1e3;
  fields["phase"] = to_string(stall.phase);
  fields["cause"] = to_string(stall.cause);
  if (!stall.function.empty()) fields["function"] = stall.function;
  if (!stall.file.empty()) fields["file"] = stall.file;
  if (!stall.file.empty() && stall.line > 0) fields["line"] = stall.line;
  if (!stall.file.empty() && stall.generated_line > 0) {
    fields["generated_line"] = stall.generated_line;
  }
  if (!stall.detail.empty()) fields["detail"] = stall.detail;
  if (left_out > 0) fields["suppressed"] = left_out;
  return fields;
}

/// What stalls have to share to be alike: the function, whichever of its lines ran.
std::string likeness(const StallRecord& stall) {
  if (!stall.function.empty()) {
    return stall.function + '\n' + stall.file + '\n' + std::to_string(stall.function_line);
  }
  return '\n' + std::to_string(stall.pid) + '\n' + stall.loop;
}

}  // namespace

StallReporter::StallReporter(const Clock& clock, Line line, Warn warn)
    : clock_(clock), line_(std::move(line)), warn_(std::move(warn)) {
  if (auto thread = start_thread("stall-report", [this] { run(); })) thread_ = std::move(*thread);
}

StallReporter::~StallReporter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void StallReporter::report(const StallRecord& stall) {
  if (!stall.in_progress) enqueue({.stall = stall, .file = {}, .at = clock_.now()});
}

void StallReporter::set_file(const StallLogConfig& config) {
  enqueue({.stall = {}, .file = config, .at = clock_.now()});
}

void StallReporter::enqueue(Task task) {
  const std::lock_guard lock(mutex_);
  if (task.stall && tasks_.size() >= kMaxQueued) {
    ++dropped_;
    return;
  }
  // Of several reloads while the disk hangs the last one counts.
  if (task.file && !tasks_.empty() && tasks_.back().file) tasks_.pop_back();
  tasks_.push_back(std::move(task));
  wake_.notify_one();
}

void StallReporter::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
    if (tasks_.empty()) return;
    const std::deque<Task> tasks = std::exchange(tasks_, {});
    const std::uint64_t dropped = std::exchange(dropped_, 0);
    lock.unlock();
    for (const Task& task : tasks) {
      run_guarded("stall report", [&] { carry_out(task); });
    }
    if (dropped > 0) {
      run_guarded("stall report", [&] {
        warn_("stalls came faster than they can be written down; left out: " +
              std::to_string(dropped));
      });
    }
    lock.lock();
  }
}

void StallReporter::carry_out(const Task& task) {
  if (task.file) {
    file_.reset();
    if (!task.file->file.empty()) {
      file_ = std::make_unique<StallFile>(
          StallFileOptions{
              .path = task.file->file, .max_bytes = task.file->max_bytes, .keep = task.file->keep},
          warn_);
    }
  }
  if (!task.stall) return;
  tell(*task.stall, task.at);
  if (file_) file_->write(*task.stall);
}

void StallReporter::tell(const StallRecord& stall, Nanos at) {
  Limit& limit = limit_of(stall, at);
  if (!limit.limiter.allow(at)) return;
  const std::uint64_t left_out = limit.limiter.take_suppressed();
  line_(text_of(stall, left_out), fields_of(stall, left_out));
}

StallReporter::Limit& StallReporter::limit_of(const StallRecord& stall, Nanos at) {
  const std::string key = likeness(stall);
  auto found = limits_.find(key);
  if (found == limits_.end() && limits_.size() >= kMaxFunctions) {
    const auto oldest = std::min_element(
        limits_.begin(), limits_.end(),
        [](const auto& a, const auto& b) { return a.second.last_used < b.second.last_used; });
    // One that is back to its full burst is as good as forgotten.
    const Nanos full_again = kInterval * static_cast<std::int64_t>(kBurst);
    if (at - oldest->second.last_used < full_again) return others_;
    limits_.erase(oldest);
  }
  if (found == limits_.end()) found = limits_.emplace(key, Limit{}).first;
  found->second.last_used = at;
  return found->second;
}

}  // namespace loopscope
