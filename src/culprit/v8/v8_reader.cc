#include "culprit/v8/v8_reader.h"

#include <utility>

#include "culprit/v8/v8_frames.h"
#include "culprit/v8/v8_heap.h"
#include "culprit/v8/v8_walker.h"

namespace loopscope {

V8Reader::V8Reader(V8Layout layout, LoadedImage image)
    : layout_(std::move(layout)),
      image_(std::move(image)),
      code_map_(layout_, image_),
      isolates_(layout_) {}

V8Walk V8Reader::walk(const StackSample& sample, const MemoryReader& memory, const MemoryMap& map,
                      V8Thread& thread) {
  learn_root(sample, memory, map, thread);
  const V8Heap heap(layout_, memory);
  V8Frames frames(heap, codes_, scripts_);
  return V8Walker(frames, code_map_, isolates_, map, sample, thread.isolate_root).walk();
}

V8Walk V8Reader::walk_from(const GeneratedFrame& entry, const StackSample& sample,
                           const MemoryReader& memory, const MemoryMap& map, V8Thread& thread) {
  const V8Heap heap(layout_, memory);
  V8Frames frames(heap, codes_, scripts_);
  return V8Walker(frames, code_map_, isolates_, map, sample, thread.isolate_root).walk_from(entry);
}

bool V8Reader::is_generated_code(std::uint64_t pc, const MemoryMap& map) const {
  return code_map_.is_generated(pc, map);
}

bool V8Reader::learn_isolate(std::uint64_t stack_low, std::uint64_t stack_high,
                             const MemoryReader& memory, V8Thread& thread) {
  if (isolates_.is_root_of_stack(thread.isolate_root, stack_low, memory)) return true;
  thread.isolate_root = isolates_.find_root(stack_low, stack_high, memory);
  return thread.isolate_root != 0;
}

std::optional<V8ScriptText> V8Reader::script_text(std::uint64_t script,
                                                  const MemoryReader& memory) const {
  return script_text_of(V8Heap(layout_, memory), script);
}

std::optional<V8StateWord> V8Reader::state_word(const V8Thread& thread,
                                                const MemoryReader& memory) const {
  auto word = isolates_.state_word(thread.isolate_root, memory);
  if (!word) return word;
  const Nanos now = std::chrono::steady_clock::now().time_since_epoch();
  word->collections =
      find_v8_collection_words(layout_.node_major, thread.isolate_root, memory, now);
  return word;
}

void V8Reader::learn_root(const StackSample& sample, const MemoryReader& memory,
                          const MemoryMap& map, V8Thread& thread) const {
  const StackRegisters& registers = sample.registers;
  // In generated code r13 is the root of the isolate that runs.
  if (registers.has_all && code_map_.is_generated(registers.pc, map) &&
      isolates_.is_root(registers.r13, memory)) {
    thread.isolate_root = registers.r13;
    return;
  }
  if (isolates_.is_root_of_stack(thread.isolate_root, registers.sp, memory)) return;
  const Mapping* stack = map.find(registers.sp);
  thread.isolate_root =
      stack != nullptr ? isolates_.find_root(registers.sp, stack->end, memory) : 0;
}

}  // namespace loopscope
