#include "target/discovery.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <map>
#include <optional>
#include <utility>

#include "target/proc_file.h"
#include "target/proc_stat.h"
#include "target/process_facts.h"

namespace loopscope {
namespace {

constexpr Nanos kFirstRetry = std::chrono::seconds(1);
constexpr Nanos kLastRetry = std::chrono::seconds(15);

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
  std::optional<SkippedProcess> skipped;
  Nanos judge_again{0};
  Nanos retry = kFirstRetry;
  bool is_present = false;
  bool is_in_doubt = false;  ///< see Discovery::doubt()
};

bool names_one_process(SelectEntry::Kind kind) {
  return kind == SelectEntry::Kind::kPid || kind == SelectEntry::Kind::kName;
}

bool has_name(const SelectEntry& entry, ProcessFacts& facts) {
  return entry.name_matches &&
         std::any_of(facts.names().begin(), facts.names().end(),
                     [&](const std::string& name) { return entry.name_matches(name); });
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
      return facts.listens();
  }
  return false;
}

bool chooses(const SelectEntry& entry, ProcessFacts& facts) {
  if (!is_of_kind(entry, facts)) return false;
  if (entry.port != 0 && !facts.listens_on(entry.port)) return false;
  return !entry.name_matches || has_name(entry, facts) || entry.name_matches(facts.command_line());
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

bool has_event_loop(const SelectEntry& entry, ProcessFacts& facts) {
  if (facts.runtime() && facts.runtime()->has_uv_run) return true;
  if (facts.has_waiting_thread()) return true;
  if (entry.kind == SelectEntry::Kind::kAll) return false;
  return facts.has_epoll_descriptor() || (names_one_process(entry.kind) && facts.is_restricted());
}

}  // namespace

struct Discovery::State {
  State(Selection chosen, const Clock& time) : clock(time) { select(std::move(chosen)); }

  void select(Selection chosen) {
    selection = std::move(chosen);
    if (selection.entries.empty()) selection.entries.emplace_back();
    records.clear();
  }

  void judge(int pid, Record& record, ListenSocketsByNamespace& sockets);
  void look_again(int pid, Record& record, ListenSocketsByNamespace& sockets);
  void look_at(int pid, int proc_directory, const char* name, ListenSocketsByNamespace& sockets);
  std::optional<SkippedProcess> missing(std::size_t index, const DiscoveryResult& result,
                                        ListenSocketsByNamespace& sockets) const;

  Selection selection;
  const Clock& clock;
  RuntimeProbe probe;
  std::map<int, Record> records;
};

void Discovery::State::judge(int pid, Record& record, ListenSocketsByNamespace& sockets) {
  record.found.reset();
  record.skipped.reset();
  record.executable.reset();
  record.judge_again = clock.now() + record.retry;
  record.retry = std::min(2 * record.retry, kLastRetry);

  const std::string directory = "/proc/" + std::to_string(pid);
  const auto text = read_proc_file(directory + "/stat", 2048);
  const auto stat = text ? parse_proc_stat(*text) : std::nullopt;
  if (!stat || stat->is_dead() || stat->is_kernel_thread()) return;

  ProcessFacts facts(pid, probe, sockets);
  for (std::size_t i = 0; i < selection.entries.size(); ++i) {
    const SelectEntry& entry = selection.entries[i];
    if (!chooses(entry, facts)) continue;
    if (!has_event_loop(entry, facts)) {
      if (!is_expected(entry, facts)) continue;
      if (!record.skipped) {
        record.skipped = SkippedProcess{
            pid, i,
            "process " + std::to_string(pid) + " (" + facts.name() +
                ") has no event loop: no image in it has uv_run, and it has no epoll descriptor"};
      }
      // Somebody waits for this one.
      record.retry = kFirstRetry;
      continue;
    }
    FoundProcess found;
    found.id = {pid, stat->start_time};
    found.comm = facts.name();
    found.label = entry.label.empty() ? found.comm : entry.label;
    found.entry = i;
    if (facts.runtime()) found.runtime = *facts.runtime();
    record.found = std::move(found);
    record.skipped.reset();
    record.retry = kFirstRetry;
    record.executable = identify_file(AT_FDCWD, (directory + "/exe").c_str());
    return;
  }
}

/// A program that was met while the loader was still at work may yet turn out to have libuv, and
/// one that has executed itself anew has it elsewhere.
void Discovery::State::look_again(int pid, Record& record, ListenSocketsByNamespace& sockets) {
  if (record.found->runtime.has_uv_run && !record.is_in_doubt) return;
  if (clock.now() < record.judge_again) return;
  const Record before = record;
  judge(pid, record, sockets);
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
    if (!is_alive(record.found->id)) {
      record.found.reset();
    } else if (identify_file(proc_directory, (std::string(name) + "/exe").c_str()) !=
               record.executable) {
      record.judge_again = clock.now();
    } else {
      look_again(pid, record, sockets);
      return;
    }
  }
  if (clock.now() >= record.judge_again || !is_same_process) judge(pid, record, sockets);
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
      if (entry.pid == ::getpid()) {
        return SkippedProcess{entry.pid, index,
                              "process " + std::to_string(entry.pid) + " is Loopscope itself"};
      }
      const auto id = identify(entry.pid);
      return SkippedProcess{
          entry.pid, index,
          id ? "process " + std::to_string(entry.pid) + " cannot be watched" : id.error().message};
    }
    case SelectEntry::Kind::kName:
      return SkippedProcess{0, index, "no process matches the name"};
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

void Discovery::set_selection(Selection selection) { state_->select(std::move(selection)); }

DiscoveryResult Discovery::scan() {
  ListenSocketsByNamespace sockets;
  DiscoveryResult result;
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), &::closedir);
  if (!proc) return result;
  for (auto& [pid, record] : state_->records) record.is_present = false;
  // readdir is safe here: no other thread sees this DIR.
  while (const dirent* entry = ::readdir(proc.get())) {  // NOLINT(concurrency-mt-unsafe)
    std::string_view name = entry->d_name;
    std::uint64_t pid = 0;
    if (!take_number(name, pid) || !name.empty() || pid > INT_MAX) continue;
    if (static_cast<int>(pid) == ::getpid()) continue;
    state_->look_at(static_cast<int>(pid), ::dirfd(proc.get()), entry->d_name, sockets);
  }
  std::erase_if(state_->records, [](const auto& item) { return !item.second.is_present; });
  for (const auto& [pid, record] : state_->records) {
    if (record.found) result.found.push_back(*record.found);
    if (record.skipped) result.skipped.push_back(*record.skipped);
  }
  for (std::size_t i = 0; i < state_->selection.entries.size(); ++i) {
    if (auto absent = state_->missing(i, result, sockets)) {
      result.skipped.push_back(std::move(*absent));
    }
  }
  return result;
}

}  // namespace loopscope
