#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "target/process_id.h"
#include "target/program.h"
#include "target/runtime_info.h"

namespace loopscope {

/// One way to choose processes; `label` (or, empty, the program's own name) becomes the
/// `process` label of its series. A port or a name pattern given besides the kind's own
/// criterion has to apply as well. Whoever descends from a chosen process and runs an event loop
/// is chosen, too (cluster, pm2, npm, tsx), but for kAll.
struct SelectEntry {
  enum class Kind : std::uint8_t {
    kPid,  ///< this very process
    /// `name_matches` accepts comm, executable base name, command line, script or Program::name
    kName,
    kPort,   ///< has a TCP socket listening on `port`
    kChild,  ///< `pid` and its descendants, those with an event loop
    /// Every visible process with an event loop that has a listening TCP socket, is of a runtime
    /// that is made of one (Node, Deno, Bun), or is a fork of one that is watched.
    kAll,
  };
  Kind kind = Kind::kAll;
  int pid = 0;
  std::uint16_t port = 0;
  std::function<bool(std::string_view)> name_matches;
  std::string pattern;  ///< what name_matches looks for, for messages
  std::string label;
};

/// An empty selection is one kAll entry.
struct Selection {
  std::vector<SelectEntry> entries;
  /// The process that has started this one to start it again when it fails: a part of Loopscope,
  /// never selected. Its command line has all the names that are looked for. 0: none.
  int supervisor_pid = 0;
};

struct FoundProcess {
  ProcessId id;
  std::string comm;         ///< process_name()
  std::string label;        ///< the entry's, else the program's name
  std::size_t entry = 0;    ///< index of the first selection entry that chose it
  bool by_descent = false;  ///< not itself, but an ancestor of it was chosen
  RuntimeInfo runtime;
  Program program;
  /// Where its stack began when it was looked at, see is_same_exec(); 0: not to be known.
  std::uint64_t exec_mark = 0;
};

/// A process with an event loop that nothing selects.
struct UnselectedProcess {
  int pid = 0;
  std::string name;
  std::string runtime;  ///< RuntimeInfo::name
};

/// A process that an entry names and that cannot be watched, and why.
struct SkippedProcess {
  int pid = 0;  ///< 0: there is no such process; the reason says what was looked for
  std::size_t entry = 0;
  std::string reason;
};

/// A process that an entry chooses without naming it, and why it is no event loop.
struct LeftOutProcess {
  ProcessId id;
  std::string comm;
  std::string reason;
};

struct DiscoveryResult {
  std::vector<FoundProcess> found;  ///< ascending by pid, each process once
  std::vector<SkippedProcess> skipped;
  std::vector<LeftOutProcess> left_out;
  std::vector<UnselectedProcess> unselected;  ///< of kAll only
  /// Why the scan could not be done; `found` is then as of the last one. Empty: it was.
  std::string problem;
};

/// Finds the processes of a selection, again and again. A repeated scan looks only at
/// what is new: verdicts are remembered per process, negative ones for 1 s at first and
/// up to 15 s for processes that stay what they are; a found process is looked at anew
/// when it executes another program, or itself anew. What program it is, and its name, is read
/// once for each exec. Never selects the own process nor its supervisor. Not thread-safe.
///
/// What counts as an event loop: an image of the process has uv_run, or a thread waits in
/// epoll, or (but for kAll) an epoll descriptor is open; not what hands polling from thread to
/// thread, as far as can be seen here (see reject()). A process that once had a loop keeps its
/// verdict while it is blocked, also when the selection changes. A process that kPid or kName
/// chooses and that must not be looked into is found too, so that its sources can tell
/// what is missing.
class Discovery {
 public:
  Discovery(Selection selection, const Clock& clock);
  ~Discovery();
  Discovery(const Discovery&) = delete;
  Discovery& operator=(const Discovery&) = delete;

  DiscoveryResult scan();
  /// What was found out of this process does not fit (any more): a later scan looks again.
  /// Without ptrace access, a program that executes itself anew goes unnoticed here.
  void doubt(int pid);
  /// Its threads turned out to be no event loops, for this reason; holds until it runs another
  /// program.
  void reject(int pid, const std::string& reason);
  /// What is known of image files is kept; processes are judged anew at the next scan.
  void set_selection(Selection selection);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace loopscope
