#include "target/discovery.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <map>
#include <optional>
#include <utility>

#include "base/unique_fd.h"
#include "target/proc_file.h"
#include "target/proc_stat.h"
#include "target/process_facts.h"

namespace loopscope {
namespace {

constexpr Nanos kFirstRetry = std::chrono::seconds(1);
constexpr Nanos kLastRetry = std::chrono::seconds(15);
constexpr int kMaxGenerations = 64;

/// What stat() tells of a file, as far as it identifies it.
struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  std::int64_t changed_ns = 0;
  bool operator==(const FileIdentity&) const = default;
};

std::optional<FileIdentity> identify_file(int directory, const char* path) {
  struct stat status {};
  if (::fstatat(directory, path, &status, 0) != 0) return std::nullopt;
  return FileIdentity{status.st_dev, status.st_ino,
                      status.st_ctim.tv_sec * 1'000'000'000 + status.st_ctim.tv_nsec};
}

/// What is remembered of one pid.
struct Record {
  /// Of the directory /proc/PID, whose inode is made for one process: much cheaper to
  /// look at than the start time in /proc/PID/stat.
  FileIdentity directory;
  std::optional<FileIdentity> executable;  ///< of found processes
  std::optional<FoundProcess> found;
  std::optional<FoundProcess> before;  ///< what it was last found to be, before another look
  std::optional<SkippedProcess> skipped;
  std::optional<LeftOutProcess> left_out;
  std::optional<UnselectedProcess> unselected;
  int parent = 0;
  std::uint64_t judged_in_scan = 0;
  int ancestor = 0;      ///< a found process that it descends from, when that was last looked into
  std::string rejected;  ///< see Discovery::reject()
  bool had_loop = false;
  Nanos judge_again{0};
  Nanos retry = kFirstRetry;
  bool is_present = false;
  bool is_in_doubt = false;  ///< see Discovery::doubt()
};

/// The fields point to no text that is kept: comm is not to be used.
std::optional<ProcStat> stat_of(int pid) {
  const auto text = read_proc_file("/proc/" + std::to_string(pid) + "/stat", 2048);
  auto stat = text ? parse_proc_stat(*text) : std::nullopt;
  if (stat) stat->comm = {};
  return stat;
}

/// Whether a look at a process will not fail for want of descriptors, half-way and unnoticed.
bool has_spare_descriptors() {
  std::array<UniqueFd, 8> spare;
  return std::all_of(spare.begin(), spare.end(), [](UniqueFd& one) {
    one.reset(::open("/proc/self/stat", O_RDONLY | O_CLOEXEC));
    return one.valid();
  });
}

bool names_one_process(SelectEntry::Kind kind) {
  return kind == SelectEntry::Kind::kPid || kind == SelectEntry::Kind::kName;
}

bool has_name(const SelectEntry& entry, ProcessFacts& facts) {
  return entry.name_matches &&
         std::any_of(facts.names().begin(), facts.names().end(),
                     [&](const std::string& name) { return entry.name_matches(name); });
}

bool is_made_of_a_loop(const RuntimeInfo& runtime) {
  return runtime.name == "node" || runtime.name == "deno" || runtime.name == "bun";
}

bool is_of_kind(const SelectEntry& entry, ProcessFacts& facts) {
  switch (entry.kind) {
    case SelectEntry::Kind::kPid:
      return entry.pid == facts.pid();
    case SelectEntry::Kind::kName:
      return entry.name_matches != nullptr;
    case SelectEntry::Kind::kPort:
      return entry.port != 0;
    case SelectEntry::Kind::kChild:
      return descends_from(facts.pid(), entry.pid);
    case SelectEntry::Kind::kAll:
      return facts.listens() || is_made_of_a_loop(facts.executable_runtime());
  }
  return false;
}

bool chooses(const SelectEntry& entry, ProcessFacts& facts) {
  if (!is_of_kind(entry, facts)) return false;
  if (entry.port != 0 && !facts.listens_on(entry.port)) return false;
  return !entry.name_matches || has_name(entry, facts) ||
         entry.name_matches(facts.command_line()) || entry.name_matches(facts.program().name) ||
         entry.name_matches(facts.program().script);
}

/// Whether the user expects this process to be watched, so that it matters why it is not.
/// A command line alone mentions programs too (a shell's, an editor's).
bool is_expected(const SelectEntry& entry, ProcessFacts& facts) {
  switch (entry.kind) {
    case SelectEntry::Kind::kPid:
    case SelectEntry::Kind::kPort:
      return true;
    case SelectEntry::Kind::kName:
      return has_name(entry, facts);
    case SelectEntry::Kind::kChild:
    case SelectEntry::Kind::kAll:
      return false;
  }
  return false;
}

bool found_uv_run(ProcessFacts& facts) { return facts.runtime() && facts.runtime()->has_uv_run; }

/// Sure enough for a process that nobody has named.
bool runs_a_loop(ProcessFacts& facts) {
  return found_uv_run(facts) || (facts.why_no_loop().empty() && facts.has_waiting_thread());
}

bool has_event_loop(const SelectEntry& entry, ProcessFacts& facts) {
  if (found_uv_run(facts)) return true;
  if (!facts.why_no_loop().empty()) return false;
  if (facts.has_waiting_thread()) return true;
  // One that is blocked when it is met waits nowhere.
  if (facts.runtime() && main_thread_is_loop(*facts.runtime()) && facts.has_epoll_descriptor()) {
    return true;
  }
  if (entry.kind == SelectEntry::Kind::kAll) return false;
  return facts.has_epoll_descriptor() || (names_one_process(entry.kind) && facts.is_restricted());
}

/// What an onlooker may want to know of a process without an event loop; empty: nothing.
std::string why_no_loop(ProcessFacts& facts) {
  std::string reason = facts.why_no_loop();
  if (reason.empty() && facts.has_epoll_descriptor()) {
    reason = "it has an epoll descriptor, and no thread was seen waiting in it yet";
  }
  return reason;
}

}  // namespace

struct Discovery::State {
  State(Selection chosen, const Clock& time) : clock(time) { select(std::move(chosen)); }

  void select(Selection chosen) {
    selection = std::move(chosen);
    if (selection.entries.empty()) selection.entries.emplace_back();
    // What is known of a process stays: a blocked loop shows none of the signs of one.
    for (auto& [pid, record] : records) {
      Record kept;
      kept.directory = record.directory;
      kept.executable = record.executable;
      kept.rejected = std::move(record.rejected);
      kept.had_loop = record.had_loop;
      record = std::move(kept);
    }
  }

  /// Whether this process is Loopscope itself.
  bool is_own(int pid) const { return pid == ::getpid() || pid == selection.supervisor_pid; }
  void judge(int pid, Record& record, ListenSocketsByNamespace& sockets);
  void take(const ProcStat& stat, std::size_t entry, ProcessFacts& facts, Record& record);
  void note_unselected(ProcessFacts& facts, Record& record) const;
  void look_again(int pid, Record& record, ListenSocketsByNamespace& sockets);
  void look_at_ancestors(int pid, Record& record, ListenSocketsByNamespace& sockets);
  std::optional<std::size_t> entry_of_pid(int pid) const;
  void look_at(int pid, int proc_directory, const char* name, ListenSocketsByNamespace& sockets);
  std::optional<SkippedProcess> missing(std::size_t index, const DiscoveryResult& result,
                                        ListenSocketsByNamespace& sockets) const;

  Selection selection;
  const Clock& clock;
  RuntimeProbe probe;
  std::map<int, Record> records;
  std::uint64_t scan_count = 0;
};

void Discovery::State::judge(int pid, Record& record, ListenSocketsByNamespace& sockets) {
  if (record.found) record.before = std::exchange(record.found, std::nullopt);
  record.skipped.reset();
  record.left_out.reset();
  record.unselected.reset();
  record.ancestor = 0;
  record.judged_in_scan = scan_count;
  record.judge_again = clock.now() + record.retry;
  record.retry = std::min(2 * record.retry, kLastRetry);

  const auto stat = stat_of(pid);
  if (!stat || stat->is_dead() || stat->is_kernel_thread()) return;

  record.parent = stat->parent_pid;
  const auto executable =
      identify_file(AT_FDCWD, ("/proc/" + std::to_string(pid) + "/exe").c_str());
  if (executable != record.executable) {
    record.executable = executable;
    record.before.reset();
    record.rejected.clear();
    record.had_loop = false;
  }

  ProcessFacts facts(pid, probe, sockets);
  const auto has_loop = [&](const SelectEntry& entry) {
    return record.rejected.empty() && (record.had_loop || has_event_loop(entry, facts));
  };
  for (std::size_t i = 0; i < selection.entries.size(); ++i) {
    const SelectEntry& entry = selection.entries[i];
    if (!chooses(entry, facts)) continue;
    if (!has_loop(entry)) {
      const std::string reason = record.rejected.empty() ? why_no_loop(facts) : record.rejected;
      if (!is_expected(entry, facts)) {
        const ProcessId id{pid, stat->start_time};
        if (!reason.empty()) record.left_out = LeftOutProcess{id, facts.name(), reason};
        continue;
      }
      if (!record.skipped) {
        record.skipped = SkippedProcess{
            pid, i,
            "process " + std::to_string(pid) + " (" + facts.name() + ") has no event loop: " +
                (reason.empty() ? "no image in it has uv_run, and it has no epoll descriptor"
                                : reason)};
      }
      // Somebody waits for this one.
      record.retry = kFirstRetry;
      continue;
    }
    take(*stat, i, facts, record);
    return;
  }
  note_unselected(facts, record);
}

void Discovery::State::take(const ProcStat& stat, std::size_t entry, ProcessFacts& facts,
                            Record& record) {
  FoundProcess found;
  found.id = {facts.pid(), stat.start_time};
  found.entry = entry;
  found.comm = facts.name();
  found.exec_mark = stat.stack_start;
  if (facts.runtime()) found.runtime = *facts.runtime();
  const auto& before = record.before;
  const bool is_same_program =
      before && before->id == found.id && is_same_exec(before->exec_mark, found.exec_mark);
  found.program = is_same_program ? before->program : facts.program();
  const std::string& label = selection.entries[entry].label;
  found.label = label.empty() ? found.program.name : label;
  record.found = std::move(found);
  record.skipped.reset();
  record.left_out.reset();
  record.unselected.reset();
  record.retry = kFirstRetry;
  record.had_loop |= found_uv_run(facts) || facts.has_waiting_thread();
}

/// Nothing selects this process; whoever selects nothing in particular hears of it.
void Discovery::State::note_unselected(ProcessFacts& facts, Record& record) const {
  const bool takes_all =
      std::any_of(selection.entries.begin(), selection.entries.end(),
                  [](const SelectEntry& e) { return e.kind == SelectEntry::Kind::kAll; });
  if (!takes_all || !facts.executable_runtime().has_uv_run) return;
  record.unselected = UnselectedProcess{facts.pid(), facts.name(), facts.executable_runtime().name};
}

/// Whether it descends from a process that is watched, and runs a loop itself.
void Discovery::State::look_at_ancestors(int pid, Record& record,
                                         ListenSocketsByNamespace& sockets) {
  if (record.found || record.parent <= 0) return;
  const FoundProcess* ancestor = nullptr;
  std::optional<std::size_t> entry;
  int at = record.parent;
  for (int generation = 0; generation < kMaxGenerations && at > 0 && !entry; ++generation) {
    const auto known = records.find(at);
    if (known == records.end()) break;
    if (known->second.found) {
      ancestor = &*known->second.found;
      entry = ancestor->entry;
    } else {
      entry = entry_of_pid(at);
    }
    if (!entry) at = known->second.parent;
  }
  if (!entry) return;
  const SelectEntry& by = selection.entries[*entry];
  if (by.kind == SelectEntry::Kind::kChild) return;  // judged by descent as it is
  const bool is_new = record.ancestor != at;
  if (!is_new && record.judged_in_scan != scan_count) return;
  record.ancestor = at;

  const auto stat = stat_of(pid);
  if (!stat || stat->is_dead() || stat->is_kernel_thread()) return;
  ProcessFacts facts(pid, probe, sockets);
  if (by.kind == SelectEntry::Kind::kAll) {
    // A fork of a server works for it; what else a server starts may be anything.
    if (ancestor == nullptr || at != record.parent ||
        facts.program().executable != ancestor->program.executable) {
      return;
    }
  }
  if (!record.rejected.empty() || !runs_a_loop(facts)) return;
  take(*stat, *entry, facts, record);
  record.found->by_descent = true;
}

/// The entry that names this very process, whether it has a loop or not.
std::optional<std::size_t> Discovery::State::entry_of_pid(int pid) const {
  for (std::size_t i = 0; i < selection.entries.size(); ++i) {
    const SelectEntry& entry = selection.entries[i];
    if (entry.kind == SelectEntry::Kind::kPid && entry.pid == pid && entry.port == 0 &&
        !entry.name_matches) {
      return i;
    }
  }
  return std::nullopt;
}

/// A program that was met while the loader was still at work may yet turn out to have libuv, and
/// one that has executed itself anew has it elsewhere.
void Discovery::State::look_again(int pid, Record& record, ListenSocketsByNamespace& sockets) {
  if (record.found->runtime.has_uv_run && !record.is_in_doubt) return;
  if (clock.now() < record.judge_again) return;
  const Record before = record;
  judge(pid, record, sockets);
  if (!record.found) look_at_ancestors(pid, record, sockets);
  if (!record.found) record = before;
  record.is_in_doubt = false;
  if (record.found->runtime == before.found->runtime) {
    record.retry = std::min(2 * before.retry, kLastRetry);
  }
  record.judge_again = clock.now() + record.retry;
}

void Discovery::State::look_at(int pid, int proc_directory, const char* name,
                               ListenSocketsByNamespace& sockets) {
  const auto directory = identify_file(proc_directory, name);
  if (!directory) return;
  Record& record = records[pid];
  const bool is_same_process = record.directory == *directory;
  if (!is_same_process) {
    record = Record();
    record.directory = *directory;
  }
  record.is_present = true;
  if (record.found) {
    const auto stat = stat_of(pid);
    if (!stat || stat->is_dead() || stat->start_time != record.found->id.start_time) {
      record.found.reset();
    } else if (!is_same_exec(stat->stack_start, record.found->exec_mark) ||
               identify_file(proc_directory, (std::string(name) + "/exe").c_str()) !=
                   record.executable) {
      record.judge_again = clock.now();
    } else {
      look_again(pid, record, sockets);
      return;
    }
  }
  if (clock.now() < record.judge_again && is_same_process) return;
  judge(pid, record, sockets);
}

/// What an entry that names something particular and found nothing has to say.
std::optional<SkippedProcess> Discovery::State::missing(std::size_t index,
                                                        const DiscoveryResult& result,
                                                        ListenSocketsByNamespace& sockets) const {
  const SelectEntry& entry = selection.entries[index];
  const auto concerns = [index](const auto& process) { return process.entry == index; };
  if (std::any_of(result.skipped.begin(), result.skipped.end(), concerns)) return std::nullopt;
  for (const FoundProcess& process : result.found) {
    // An earlier entry may have taken the process this one names.
    if (process.entry == index || process.id.pid == entry.pid) return std::nullopt;
  }
  switch (entry.kind) {
    case SelectEntry::Kind::kPid: {
      if (is_own(entry.pid)) {
        return SkippedProcess{entry.pid, index,
                              "process " + std::to_string(entry.pid) + " is Loopscope itself"};
      }
      const auto id = identify(entry.pid);
      return SkippedProcess{
          entry.pid, index,
          id ? "process " + std::to_string(entry.pid) + " cannot be watched" : id.error().message};
    }
    case SelectEntry::Kind::kName:
      return SkippedProcess{0, index, "no process matches the name \"" + entry.pattern + "\""};
    case SelectEntry::Kind::kPort: {
      const std::string port = "TCP port " + std::to_string(entry.port);
      if (sockets.of(::getpid()).has_port(entry.port)) {
        return SkippedProcess{0, index,
                              port +
                                  " is listened on by a process whose descriptors cannot be "
                                  "read; run as its user or with CAP_SYS_PTRACE"};
      }
      return SkippedProcess{0, index, "no process listens on " + port};
    }
    case SelectEntry::Kind::kChild:
    case SelectEntry::Kind::kAll:
      return std::nullopt;
  }
  return std::nullopt;
}

Discovery::Discovery(Selection selection, const Clock& clock)
    : state_(std::make_unique<State>(std::move(selection), clock)) {}
Discovery::~Discovery() = default;

void Discovery::doubt(int pid) {
  const auto record = state_->records.find(pid);
  if (record != state_->records.end()) record->second.is_in_doubt = true;
}

void Discovery::reject(int pid, const std::string& reason) {
  const auto record = state_->records.find(pid);
  if (record == state_->records.end()) return;
  record->second.rejected = reason;
  record->second.found.reset();
  record->second.judge_again = Nanos{0};
}

void Discovery::set_selection(Selection selection) { state_->select(std::move(selection)); }

DiscoveryResult Discovery::scan() {
  ListenSocketsByNamespace sockets;
  DiscoveryResult result;
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), &::closedir);
  if (!proc) result.problem = "cannot list /proc: " + errno_text(errno);
  if (proc && !has_spare_descriptors()) {
    result.problem = "cannot look at processes: " + errno_text(errno) +
                     "; raise the limit of open files (ulimit -n, LimitNOFILE)";
  }
  // What could not be looked at is not gone.
  if (!result.problem.empty()) {
    for (const auto& [pid, record] : state_->records) {
      if (record.found) result.found.push_back(*record.found);
    }
    return result;
  }
  for (auto& [pid, record] : state_->records) record.is_present = false;
  ++state_->scan_count;
  // readdir is safe here: no other thread sees this DIR.
  while (const dirent* entry = ::readdir(proc.get())) {  // NOLINT(concurrency-mt-unsafe)
    std::string_view name = entry->d_name;
    std::uint64_t pid = 0;
    if (!take_number(name, pid) || !name.empty() || pid > INT_MAX) continue;
    if (state_->is_own(static_cast<int>(pid))) continue;
    state_->look_at(static_cast<int>(pid), ::dirfd(proc.get()), entry->d_name, sockets);
  }
  std::erase_if(state_->records, [](const auto& item) { return !item.second.is_present; });
  for (auto& [pid, record] : state_->records) state_->look_at_ancestors(pid, record, sockets);
  for (const auto& [pid, record] : state_->records) {
    if (record.found) result.found.push_back(*record.found);
    if (record.left_out) result.left_out.push_back(*record.left_out);
    if (record.unselected) result.unselected.push_back(*record.unselected);
  }
  for (const auto& [pid, record] : state_->records) {
    if (!record.skipped) continue;
    // It runs no loop itself, but what it has started does.
    const bool is_served = std::any_of(
        result.found.begin(), result.found.end(), [&record = record](const FoundProcess& found) {
          return found.by_descent && found.entry == record.skipped->entry;
        });
    if (!is_served) result.skipped.push_back(*record.skipped);
  }
  for (std::size_t i = 0; i < state_->selection.entries.size(); ++i) {
    if (auto absent = state_->missing(i, result, sockets)) {
      result.skipped.push_back(std::move(*absent));
    }
  }
  return result;
}

}  // namespace loopscope
