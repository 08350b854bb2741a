#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backlog/diag_message.h"
#include "backlog/process_sockets.h"

namespace loopscope {

/// What is known of one watched process when its listeners are looked for.
struct WatchedProcess {
  int pid = 0;
  ProcessOwner owner;
  ProcessSockets sockets;
  std::optional<int> port_hint;  ///< the target was selected by this port
  std::uint64_t start_time = 0;  ///< as in ProcessId
  bool is_scanned = false;       ///< `sockets` is what a look at its descriptors found
};

/// Something to tell about one process's listeners.
struct BacklogNote {
  int pid = 0;
  bool failure = false;  ///< true: its backlog is not exported
  std::string text;
};

struct ListenerOwner {
  std::uint32_t inode = 0;
  int pid = 0;
  /// Whose the socket's figures are: of several owners one, so that a sum counts it once.
  bool is_credited = true;
};

struct Attribution {
  std::vector<ListenerOwner> owners;  ///< a shared socket has several, one of them credited
  std::vector<BacklogNote> notes;
};

/// Decides which watched process each listening socket of ONE network namespace belongs to.
/// Pure.
///
/// A process whose descriptors are readable owns exactly the sockets it holds. For a process
/// whose descriptors are not (another uid, no ptrace access) weaker evidence must do, all of
/// it readable for everybody; sockets that a readable process holds are never considered:
///  1. selected by port: the sockets on that port, those created by its uid if there are any;
///  2. else, if it is the only such process of its uid here: every socket created by its
///     uid. That may include listeners of unwatched processes of this uid; the note says so;
///  3. else, if the others of its uid all descend from it (a cluster): the same, credited to
///     it, because the kernel does not tell which of them holds what;
///  4. else nothing: a guess among strangers would be wrong more often than right.
///
/// A socket that several of them have (a cluster's workers, a pre-forking server) is credited to
/// the one of the lowest pid among those that no other owner descends from: the workers take the
/// connections, the parent only keeps the socket open.
///
/// `held_elsewhere`: inodes held by readable processes that are not watched.
Attribution attribute_listeners(std::span<const DiagSocket> listeners,
                                std::span<const WatchedProcess> processes,
                                const InodeSet& held_elsewhere);

}  // namespace loopscope
