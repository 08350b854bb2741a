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
#include "target/runtime_info.h"

namespace loopscope {

/// One way to choose processes; `label` (or, empty, the process's own name) becomes the
/// `process` label of its series. A port or a name pattern given besides the kind's own
/// criterion has to apply as well.
struct SelectEntry {
  enum class Kind : std::uint8_t {
    kPid,    ///< this very process, not its children
    kName,   ///< comm, executable base name or command line accepted by `name_matches`
    kPort,   ///< has a TCP socket listening on `port`
    kChild,  ///< `pid` and its descendants, those with an event loop
    kAll,    ///< every visible process with a listening TCP socket and an event loop
  };
  Kind kind = Kind::kAll;
  int pid = 0;
  std::uint16_t port = 0;
  std::function<bool(std::string_view)> name_matches;
  std::string label;
};

/// An empty selection is one kAll entry.
struct Selection {
  std::vector<SelectEntry> entries;
};

struct FoundProcess {
  ProcessId id;
  std::string comm;       ///< process_name()
  std::string label;      ///< the entry's, else comm
  std::size_t entry = 0;  ///< index of the first selection entry that chose it
  RuntimeInfo runtime;
};

/// A process that an entry names and that cannot be watched, and why.
struct SkippedProcess {
  int pid = 0;
  std::size_t entry = 0;
  std::string reason;
};

struct DiscoveryResult {
  std::vector<FoundProcess> found;  ///< ascending by pid, each process once
  std::vector<SkippedProcess> skipped;
};

/// Finds the processes of a selection, again and again. A repeated scan looks only at
/// what is new: verdicts are remembered per process, negative ones for 1 s at first and
/// up to 15 s for processes that stay what they are; a found process is looked at anew
/// when its executable changes (exec). Never selects the own process. Not thread-safe.
///
/// What counts as an event loop: an image of the process has uv_run, or a thread waits in
/// epoll, or (but for kAll) an epoll descriptor is open. A process that kPid or kName
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
  /// A program that executes itself anew changes no file and so goes unnoticed here.
  void doubt(int pid);
  /// What is known of image files is kept; processes are judged anew at the next scan.
  void set_selection(Selection selection);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace loopscope
