#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "culprit/sample_memory.h"
#include "culprit/v8/v8_position_table.h"
#include "culprit/v8/v8_reader.h"
#include "culprit/v8/v8_string.h"
#include "support/fake_clock.h"
#include "support/fake_v8.h"

namespace {

using loopscope::FakeV8;

constexpr std::uint32_t kOptimized = 12;
constexpr std::uint64_t kCode = FakeV8::kJit + 0x400;

/// A process with a bit of everything on its stack: C++ that called JavaScript that called
/// C++ that called optimized code with an inlined function.
class Victim {
 public:
  Victim() {
    const std::uint64_t source = v8.string("one\ntwo\nthree\n");
    const std::uint64_t left = v8.string("file:///srv/%41");
    const std::uint64_t name = v8.string_of(0x29, 22, left, v8.string(u"/\u51fd.mjs"));
    const std::uint64_t script = v8.script(name, source);
    const std::uint64_t scope = v8.allocate(v8.layout.type_scope_info, 80);
    v8.set(scope, 8, FakeV8::smi((3 << 12) | (1 << 14)));
    v8.set(scope, 24, FakeV8::smi(1));
    v8.set(scope, 48, v8.string("scoped"));
    v8.set(scope, 64, v8.string_of(0x2b, 3, left, FakeV8::smi(2)));
    const std::uint64_t outer = v8.shared(scope, script);
    const std::uint64_t inner = v8.shared(v8.string_of(0x2d, 4, v8.string("thin"), 0), script);
    const std::uint64_t array = v8.bytecodes({2, 4, 40, 36});
    const std::uint64_t inlining = v8.bytes({12, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0});
    const std::uint64_t deopt =
        v8.array({0, 0, v8.array({outer, inner | 2}), 0, 0, 0, outer, inlining});
    v8.code(kCode, 0x200, kOptimized, v8.bytes({2, 0xbc, 0x80, 0x80, 0x80, 0x10}), deopt);
    v8.code(kCode + 0x400, 0x80, v8.layout.code_kind_baseline, v8.bytes({20, 4, 6}), array);
    v8.layout.bytecode_count = 6;
    v8.layout.bytecode_sizes = {1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 3, 1, 1, 1, 1, 1, 5};
    const std::uint64_t entry = v8.entry_frame();
    const std::uint64_t below = v8.interpreted_frame(entry, v8.function(outer), array, 3);
    const std::uint64_t exit = v8.exit_frame(below, kCode + 0x420);
    const std::uint64_t optimized = v8.frame(v8.entry_frame(exit), FakeV8::kBuiltins + 8,
                                             {source, v8.function(outer), 1, 1, 1});
    const std::uint64_t last = v8.exit_frame(optimized, kCode + 0x100);
    v8.set_exit(last);
    native_fp = v8.frame(last, FakeV8::kBuiltins + 8, {FakeV8::kIsolate});
    optimized_fp = optimized;
  }

  FakeV8 v8;
  std::uint64_t native_fp = 0;
  std::uint64_t optimized_fp = 0;
};

/// Takes integers off the front of the input; zeros once it is used up.
class Input {
 public:
  explicit Input(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  std::uint64_t take(std::size_t size) {
    std::uint64_t value = 0;
    size = std::min(size, bytes_.size());
    std::memcpy(&value, bytes_.data(), size);
    bytes_ = bytes_.subspan(size);
    return value;
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

/// Overwrites words of the victim: {region, 16-bit index, kind of value, value}.
void corrupt(Victim& victim, Input& input) {
  struct Region {
    std::uint64_t start;
    std::uint64_t size;
  };
  // The parts that are in use; elsewhere nobody looks.
  const Region regions[] = {{FakeV8::kHeap, 0x1000},
                            {victim.v8.sp, FakeV8::kStack + FakeV8::kStackSize - victim.v8.sp},
                            {FakeV8::kIsolate, 0x200},
                            {FakeV8::kJit, 0x900}};
  while (!input.empty()) {
    const std::uint64_t choice = input.take(1);
    const Region& region = regions[choice % 4];
    const std::uint64_t offset = input.take(2) % (region.size - 8);
    const std::uint64_t address = region.start + ((choice & 0x80) != 0 ? offset : offset & ~7ULL);
    switch ((choice >> 2) % 6) {
      case 0:
        victim.v8.memory.write(address, input.take(8));
        break;
      case 1:  // a pointer somewhere into the heap
        victim.v8.memory.write(address, FakeV8::kHeap + input.take(2) % 0x1000 + 1);
        break;
      case 2:  // a place on the stack
        victim.v8.memory.write(address, victim.v8.sp + (input.take(2) & ~7ULL));
        break;
      case 3:
        victim.v8.memory.write(address, FakeV8::smi(static_cast<std::int32_t>(input.take(4))));
        break;
      case 4:
        victim.v8.memory.write(address, static_cast<std::uint16_t>(input.take(2)));
        break;
      default:  // a place in code
        victim.v8.memory.write(address, kCode - 0x80 + input.take(2) % 0x600);
        break;
    }
  }
}

void check(const loopscope::V8Walk& walk) {
  if (walk.frames.size() > 96) std::abort();
  if (walk.no_javascript && !walk.frames.empty()) std::abort();
  if (!walk.trusted && walk.problem.empty()) std::abort();
  for (const loopscope::V8Frame& frame : walk.frames) {
    if (frame.frame.line < 0 || frame.frame.function.empty()) std::abort();
    // Four bytes for each character at most, and what is put around a name.
    if (frame.frame.function.size() > 4 * loopscope::kMaxNameLength + 32) std::abort();
    if (frame.is_user && frame.frame.file.empty()) std::abort();
  }
}

/// The made-up process is a good one as long as nobody touches it.
bool names_untouched() {
  const Victim victim;
  const loopscope::StackSample sample = victim.v8.sample(FakeV8::kNativeCode, victim.native_fp);
  loopscope::V8Reader reader(victim.v8.layout, FakeV8::image());
  loopscope::V8Thread thread;
  const auto walk = reader.walk(sample, victim.v8.memory, FakeV8::map(), thread);
  return walk.trusted && walk.problem.empty() && walk.frames.size() == 3 &&
         walk.frames[0].frame.function == "thin" && walk.frames[1].frame.function == "scoped" &&
         walk.frames[2].frame.file == "/srv/A/\u51fd.mjs" && thread.isolate_root != 0;
}

}  // namespace

// Whatever a target's memory holds, a walk ends within its budget and says nothing absurd.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input({data, size});
  const std::uint64_t start = input.take(1);
  const std::uint64_t pc_offset = input.take(1);
  const std::uint64_t r9 = input.take(1);

  const auto text = std::as_bytes(std::span(data, size));
  for (const auto steps : {loopscope::V8CodeSteps::kSigned, loopscope::V8CodeSteps::kFlagged}) {
    const auto position = loopscope::find_position(text, steps, static_cast<std::int64_t>(r9));
    if (position && position->inlining_id < -1) std::abort();
  }
  static const bool untouched_is_named = names_untouched();
  if (!untouched_is_named) std::abort();
  static const Victim pristine;
  loopscope::find_baseline_bytecode(text, text.subspan(size / 2), pristine.v8.layout.bytecode_sizes,
                                    pristine.v8.layout.bytecode_count, pc_offset);

  Victim victim = pristine;
  if ((start & 4) != 0) victim.v8.layout.entry_keeps_fast_call = true;
  if ((start & 8) != 0) victim.v8.layout.regexp_frames_untyped = true;
  if ((start & 16) != 0) victim.v8.layout.scope_has_start_in_front = true;
  corrupt(victim, input);

  loopscope::StackSample sample = victim.v8.sleeping_sample();
  switch (start % 4) {
    case 0:
      sample = victim.v8.sample(FakeV8::kNativeCode, victim.native_fp);
      break;
    case 1:
      sample = victim.v8.sample(kCode + pc_offset * 8, victim.optimized_fp);
      break;
    case 2:
      sample = victim.v8.sample(FakeV8::kBuiltins + pc_offset, victim.optimized_fp);
      sample.registers.r9 = r9;
      break;
    default:
      break;
  }
  const loopscope::FakeClock clock;
  const loopscope::SampleMemory memory(sample, victim.v8.memory, clock);
  loopscope::V8Reader reader(victim.v8.layout, FakeV8::image());
  loopscope::V8Thread thread;
  static const loopscope::MemoryMap map = FakeV8::map();
  for (int i = 0; i < 2; ++i) check(reader.walk(sample, memory, map, thread));
  // Where unwinding native frames may have ended, be it nonsense.
  const std::uint64_t sp = sample.registers.sp;
  for (const std::uint64_t fp : {victim.optimized_fp, sp + 8 * r9}) {
    for (const std::uint64_t pc : {kCode + 8 * pc_offset, FakeV8::kBuiltins + pc_offset}) {
      check(reader.walk_from({pc, sp + r9, fp}, sample, memory, map, thread));
    }
  }
  reader.learn_isolate(FakeV8::kStack, FakeV8::kStack + FakeV8::kStackSize, memory, thread);
  reader.state_word(thread, memory);
  return 0;
}
