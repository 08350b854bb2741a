#include "apps/loopscope/doctor.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "apps/loopscope/capabilities.h"
#include "backlog/backlog_monitor.h"
#include "base/version.h"
#include "config/config_reader.h"
#include "culprit/process_stacks.h"
#include "engine/selection.h"
#include "log/logging.h"
#include "sources/process_loops.h"
#include "target/proc_file.h"
#include "target/remote_memory.h"

namespace loopscope {
namespace {

constexpr std::size_t kSmallFile = 4096;

void line(const char* what, const std::string& text) {
  std::printf("%-16s %s\n", what, printable(text).c_str());
}

std::string yama_text() {
  const auto scope = read_proc_file("/proc/sys/kernel/yama/ptrace_scope", kSmallFile);
  if (!scope) return "Yama is not active: processes of the same user can be read";
  switch (scope->empty() ? '?' : scope->front()) {
    case '0':
      return "ptrace_scope is 0: processes of the same user can be read";
    case '1':
      return "ptrace_scope is 1: only own children can be read without CAP_SYS_PTRACE; start "
             "the program by `loopscope run -- COMMAND`";
    case '2':
      return "ptrace_scope is 2: reading a process needs CAP_SYS_PTRACE";
    default:
      return "ptrace_scope is " + scope->substr(0, 1) + ": no process can be read";
  }
}

void describe_machine() {
  utsname machine{};
  ::uname(&machine);
  line("loopscope", kVersion);
  line("system", std::string(machine.sysname) + " " + machine.release + " " + machine.machine);
  line("user", "uid " + std::to_string(::geteuid()));
  const CapabilitySets capabilities = CapabilitySets::of_this_thread();
  for (const UsefulCapability& one : useful_capabilities()) {
    line(one.name, describe(one, capabilities));
  }
  line("Yama", yama_text());
  line("memory", RemoteMemory::reads_by_file()
                     ? "read by /proc/PID/mem: a system call filter (seccomp) refuses "
                       "process_vm_readv here"
                     : "read by process_vm_readv");
  if (std::string(machine.machine) != "x86_64") {
    line("phases", "not on this architecture: lag only, phase is unknown");
  }
}

void describe_loops(const ProcessLoops& loops, Nanos now) {
  for (const LoopSnapshot& loop : loops.snapshot(now)) {
    const bool has_phases = loop.info.source == "uv_stack";
    std::string text = "lag and live blocked time";
    text += has_phases ? ", phases" : "; phase is unknown";
    text += " (source " + loop.info.source + ")";
    if (!loop.info.note.empty()) text += ": " + loop.info.note;
    line(("  loop " + loop.labels.loop).c_str(), text);
  }
  for (const SourceProblem& problem : loops.problems()) {
    line(("  " + problem.source).c_str(), "not available: " + problem.reason);
  }
}

/// How the stack of a stalled loop would be had, judged by the main thread.
void describe_stacks(const FoundProcess& found, const Config& config, const Clock& clock) {
  const ProcessId& process = found.id;
  const StackCapturer::Options options = capture_options_of(config);
  if (!options.enabled) return line("  stacks", "switched off");
  for (const CaptureWayReport& report :
       describe_capture_ways(process.pid, process.pid, options.ways)) {
    const std::string name(to_string(report.way));
    line(("  stacks " + name).c_str(),
         report.available ? "available" : "not available: " + report.reason);
  }
  ProcessStacks stacks(process, found.runtime.version, clock);
  stacks.open();
  if (!stacks.problem().empty()) {
    line("  stacks names", "not available: " + stacks.problem());
  }
}

void describe_backlog(BacklogMonitor& backlog, const FoundProcess& process) {
  BacklogTarget target;
  target.labels.process = process.comm;
  target.labels.pid = process.id.pid;
  backlog.set_targets({target});
  backlog.sample_once();
  Snapshot snapshot;
  backlog.append_snapshot(snapshot);
  for (const ListenerSnapshot& listener : snapshot.listeners) {
    line("  backlog", listener.listener + " depth " + std::to_string(listener.depth) + ", limit " +
                          std::to_string(listener.limit));
  }
  for (const BacklogNote& note : backlog.notes()) {
    line("  backlog", (note.failure ? "not available: " : "note: ") + note.text);
  }
  for (const SourceSnapshot& source : snapshot.sources) {
    if (!source.success) line(("  " + source.source).c_str(), "not available: " + source.reason);
  }
}

Result<Config> config_for(const DoctorOptions& options) {
  Config config;
  if (!options.config_file.empty()) {
    auto file = read_config_file(options.config_file);
    if (!file) return file;
    config = *std::move(file);
  }
  if (options.pid) {
    config.targets.clear();
    config.targets.emplace_back().pid = *options.pid;
  }
  return config;
}

}  // namespace

int doctor_command(const DoctorOptions& options) {
  const auto config = config_for(options);
  if (!config) {
    print_error(config.error().message);
    return 2;
  }
  set_up_logging(LogFormat::kText, LogLevel::kError);
  describe_machine();

  const SystemClock clock;
  Discovery discovery(selection_of(*config, std::nullopt), clock);
  const DiscoveryResult result = discovery.scan();
  UvImageCache images;
  Sampler sampler(clock);
  BacklogMonitor backlog({}, clock);
  for (const FoundProcess& process : result.found) {
    std::printf("\n");
    std::string runtime = process.runtime.name;
    if (!process.runtime.version.empty()) runtime += " " + process.runtime.version;
    line(("pid " + std::to_string(process.id.pid)).c_str(), process.comm + " (" + runtime + ")");
    ProcessLoops loops(process.id, loop_options_of(*config, process.entry), sampler, images, clock,
                       nullptr);
    loops.refresh(process.runtime);
    describe_loops(loops, clock.now());
    describe_stacks(process, *config, clock);
    describe_backlog(backlog, process);
  }
  if (!result.problem.empty()) line("discovery", "not available: " + result.problem);
  for (const SkippedProcess& skipped : result.skipped) {
    std::printf("\n");
    const std::string what = skipped.pid == 0 ? "not found" : "pid " + std::to_string(skipped.pid);
    line(what.c_str(), skipped.pid == 0 ? skipped.reason : "not watched: " + skipped.reason);
  }
  for (const LeftOutProcess& process : result.left_out) {
    std::printf("\n");
    line(("pid " + std::to_string(process.id.pid)).c_str(),
         process.comm + " left out, no event loop: " + process.reason);
  }
  if (result.found.empty() && result.skipped.empty()) {
    std::printf("\nno process with an event loop and a listening TCP socket was found\n");
  }
  return options.pid && result.found.empty() ? 1 : 0;
}

}  // namespace loopscope
