#include "sources/uv_stack/uv_thread_stack.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "target/process_info.h"
#include "target/thread_counters.h"

namespace loopscope {
namespace {

constexpr std::uint64_t kMaxExtent = 1024 * 1024;
// struct pthread of glibc on x86-64 (nptl/descr.h, unchanged 2.17-2.42): a pointer to
// itself at 0 and 16 (tcbhead_t tcb and self), the thread id at 0x2d0.
constexpr std::uint64_t kSelfOffset = 0x10;
constexpr std::uint64_t kTidOffset = 0x2d0;
// The control block stands at the top of the stack, below only the thread's static TLS.
constexpr std::uint64_t kControlBlockSearch = 64 * 1024;
constexpr std::uint64_t kControlBlockAlignment = 64;

StackExtent below(std::uint64_t top, const Mapping& mapping) {
  const std::uint64_t size = std::min(top - mapping.start, kMaxExtent);
  return {top - size, top};
}

bool may_hold_stack(const Mapping& mapping) {
  return mapping.readable && mapping.writable && !mapping.executable && !mapping.is_file();
}

std::uint64_t control_block_in(const Mapping& mapping, int ns_tid, const MemoryReader& memory) {
  const std::uint64_t size = std::min(mapping.size(), kControlBlockSearch);
  const std::uint64_t bottom = mapping.end - size;
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  if (!memory.read(bottom, bytes)) return 0;
  for (std::uint64_t at = size / kControlBlockAlignment * kControlBlockAlignment; at > 0;) {
    at -= kControlBlockAlignment;
    if (at + kTidOffset + sizeof(std::int32_t) > size) continue;
    std::uint64_t tcb = 0;
    std::uint64_t self = 0;
    std::int32_t tid = 0;
    std::memcpy(&tcb, bytes.data() + at, sizeof tcb);
    std::memcpy(&self, bytes.data() + at + kSelfOffset, sizeof self);
    std::memcpy(&tid, bytes.data() + at + kTidOffset, sizeof tid);
    if (tcb == bottom + at && self == tcb && tid == ns_tid) return tcb;
  }
  return 0;
}

}  // namespace

Result<StackExtent> find_thread_stack(int pid, int tid, const MemoryMap& map,
                                      const MemoryReader& memory) {
  if (pid == tid) {
    const Mapping* stack = map.find_path("[stack]");
    if (stack != nullptr) return below(stack->end, *stack);
    return Error{"the main thread's stack is not mapped"};
  }
  if (auto counters = ThreadCounters::open(pid, tid)) {
    const auto state = counters->syscall();
    if (state && !state->running) {
      if (const Mapping* stack = map.find(state->sp); stack != nullptr && may_hold_stack(*stack)) {
        return StackExtent{state->sp, std::min(stack->end, state->sp + kMaxExtent)};
      }
    }
  }
  const auto inner_tid = ns_tid(pid, tid);
  if (!inner_tid) return inner_tid.error();
  for (const Mapping& mapping : map.mappings()) {
    if (!may_hold_stack(mapping)) continue;
    const std::uint64_t block = control_block_in(mapping, *inner_tid, memory);
    if (block != 0) return below(block, mapping);
  }
  return Error{"the stack of thread " + std::to_string(tid) + " was not found"};
}

}  // namespace loopscope
