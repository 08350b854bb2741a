#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "culprit/engine_images.h"
#include "culprit/native/native_stack.h"
#include "culprit/resolved_stack.h"
#include "culprit/script_files.h"
#include "culprit/v8/v8_stack.h"
#include "target/memory_map.h"
#include "target/process_id.h"
#include "target/remote_memory.h"

namespace loopscope {

/// Turns stack samples of one process into names: JavaScript frames where V8 can be read,
/// native frames for everything else. What is learned of the process is kept until it runs
/// another program (exec). Thread-safe: one at a time is served.
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

  /// Opens what there is to read, if that has not been done.
  void open();
  /// Why the functions of the program's scripts cannot be read; empty: they can, it runs none,
  /// or it has not been looked at.
  std::string problem() const;

 private:
  /// Reads the memory map anew if it may be older than `at`, and opens what depends on it.
  void refresh(Nanos at);
  void open_v8();
  /// Takes the lines off frames whose file has another text than runs.
  void mark_generated(std::vector<V8Frame>& frames);
  void blame_native(const StackSample& sample, const NativeWalk& walk, ResolvedStack& out);
  ResolvedStack name_frames(const StackSample& sample, const MemoryReader& memory,
                            V8Thread& thread);
  V8Walk walk_javascript(const StackSample& sample, const NativeUnwinding& unwinding,
                         const MemoryReader& memory, V8Thread& thread);

  mutable std::mutex mutex_;  ///< guards what follows
  const ProcessId id_;
  const std::string runtime_version_;  ///< where an image does not tell its own
  const Clock& clock_;
  const RemoteMemory memory_;
  MemoryMap map_;
  Nanos map_read_at_{0};
  Nanos map_due_{0};        ///< not read again before
  std::string executable_;  ///< device, inode of the program the rest belongs to
  std::uint64_t base_ = 0;  ///< lowest address of its map
  std::unique_ptr<V8Stack> v8_;
  std::unique_ptr<NativeStack> native_;
  EngineImages engines_;
  ScriptFiles files_;
  std::string problem_;
};

}  // namespace loopscope
