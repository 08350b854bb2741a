#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "culprit/native/native_stack.h"
#include "culprit/resolved_stack.h"
#include "culprit/v8/v8_stack.h"
#include "target/memory_map.h"
#include "target/process_id.h"
#include "target/remote_memory.h"

namespace loopscope {

/// Turns stack samples of one process into names: JavaScript frames where V8 can be read,
/// native frames for everything else. What is learned of the process is kept until it runs
/// another program (exec). Not thread-safe; used from the capture thread.
class ProcessStacks {
 public:
  /// Nothing is opened before the first use. `clock` must outlive this.
  ProcessStacks(ProcessId id, std::string runtime_version, const Clock& clock);

  /// Names the frames of `sample` and says whom to blame. Costs a millisecond or so, the
  /// first time in a process some tens. Bounded in time and in what it reads.
  ResolvedStack resolve(const StackSample& sample, V8Thread& thread);
  /// Learns the isolate of a thread from a sample of its stack, if it can. True: known now.
  bool learn_isolate(const StackSample& sample, V8Thread& thread);
  /// Where to see that the thread's garbage collector runs; absent while it is not known.
  std::optional<V8StateWord> state_word(const V8Thread& thread);

  /// Why JavaScript frames cannot be read although the program has V8 in it; empty: they
  /// can, or there is none.
  const std::string& v8_problem() const { return v8_problem_; }

 private:
  /// Reads the memory map anew if it may be older than `at`, and opens what depends on it.
  void refresh(Nanos at);
  void open_v8();
  ResolvedStack name_frames(const StackSample& sample, const MemoryReader& memory,
                            V8Thread& thread);
  V8Walk walk_javascript(const StackSample& sample, const NativeUnwinding& unwinding,
                         const MemoryReader& memory, V8Thread& thread);

  const ProcessId id_;
  const std::string runtime_version_;
  const Clock& clock_;
  const RemoteMemory memory_;
  MemoryMap map_;
  Nanos map_read_at_{0};
  Nanos map_due_{0};        ///< not read again before
  std::string executable_;  ///< device, inode of the program the rest belongs to
  std::uint64_t base_ = 0;  ///< lowest address of its map
  std::unique_ptr<V8Stack> v8_;
  std::unique_ptr<NativeStack> native_;
  std::string v8_problem_;
};

}  // namespace loopscope
