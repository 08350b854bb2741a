#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "culprit/stack_sample.h"
#include "culprit/v8/v8_layout.h"
#include "support/fake_memory.h"
#include "target/loaded_image.h"
#include "target/memory_map.h"

namespace loopscope {

/// A made-up process with V8 in it: a heap, an isolate, JIT code and a stack, laid out like
/// Node 22. Objects are tagged words. Everything may be overwritten afterwards.
class FakeV8 {
 public:
  static constexpr std::uint64_t kImage = 0x400000;
  static constexpr std::uint64_t kBuiltins = 0x500000;
  static constexpr std::uint64_t kNativeCode = 0x401000;
  static constexpr std::uint64_t kImageEnd = 0x600000;
  static constexpr std::uint64_t kIsolate = 0x50000000;
  static constexpr std::uint64_t kRoot = kIsolate + 0x80;
  static constexpr std::uint64_t kIsolateSize = 0x1000;
  static constexpr std::uint64_t kHeap = 0x100000000;
  static constexpr std::uint64_t kHeapSize = 0x40000;
  static constexpr std::uint64_t kJit = 0x7f0000000000;
  static constexpr std::uint64_t kJitSize = 0x4000;
  static constexpr std::uint64_t kStack = 0x7ffe00000000;
  static constexpr std::uint64_t kStackSize = 0x8000;
  static constexpr std::uint16_t kByteArrayType = 186;

  FakeV8() {
    memory.map(kHeap, kHeapSize);
    memory.map(kIsolate, kIsolateSize);
    memory.map(kJit, kJitSize);
    memory.map(kStack, kStackSize);
    memory.map(kBuiltins, 0x1000);
    fill_layout();
    memory.write(kIsolate + 8, kIsolate);
    memory.write(kIsolate + 16, kStack - 0x10000);
    memory.write(root_word(layout.isolate_self), kIsolate);
  }

  static MemoryMap map() {
    return MemoryMap::parse(
        "00400000-00600000 r-xp 00000000 08:01 7 /usr/bin/node\n"
        "50000000-50001000 rw-p 00000000 00:00 0 [heap]\n"
        "100000000-100040000 rw-p 00000000 00:00 0\n"
        "7f0000000000-7f0000004000 rwxp 00000000 00:00 0\n"
        "7ffe00000000-7ffe00008000 rw-p 00000000 00:00 0 [stack]\n");
  }
  static LoadedImage image() {
    LoadedImage image;
    image.path = "/usr/bin/node";
    image.start = kImage;
    image.end = kImageEnd;
    return image;
  }

  static std::uint64_t smi(std::int64_t value) { return static_cast<std::uint64_t>(value) << 32; }
  static std::uint64_t root_word(std::int32_t offset) {
    return kRoot + static_cast<std::uint64_t>(std::int64_t{offset});
  }

  /// A new object of `size` bytes with its map; tagged.
  std::uint64_t allocate(std::uint16_t type, std::size_t size) {
    const std::uint64_t map = map_of(type);
    const std::uint64_t address = take(size);
    memory.write(address, map);
    return address + 1;
  }
  void set(std::uint64_t tagged, std::uint32_t offset, std::uint64_t value) {
    memory.write(tagged - 1 + offset, value);
  }

  std::uint64_t string(std::string_view text) {
    const std::uint64_t made = allocate(0x28, 16 + text.size());
    memory.write(made - 1 + 12, static_cast<std::uint32_t>(text.size()));
    for (std::size_t i = 0; i < text.size(); ++i) memory.write(made - 1 + 16 + i, text[i]);
    return made;
  }
  std::uint64_t string(std::u16string_view text) {
    const std::uint64_t made = allocate(0x20, 16 + text.size() * 2);
    memory.write(made - 1 + 12, static_cast<std::uint32_t>(text.size()));
    for (std::size_t i = 0; i < text.size(); ++i) memory.write(made - 1 + 16 + i * 2, text[i]);
    return made;
  }
  /// A string that stands for others: cons, external, sliced or thin, by type.
  std::uint64_t string_of(std::uint16_t type, std::uint32_t length, std::uint64_t payload,
                          std::uint64_t second) {
    const std::uint64_t made = allocate(type, 32);
    memory.write(made - 1 + 12, length);
    set(made, 16, payload);
    set(made, 24, second);
    return made;
  }
  std::uint64_t bytes(const std::vector<std::uint8_t>& content) {
    const std::uint64_t made = allocate(kByteArrayType, 16 + content.size());
    set(made, 8, smi(static_cast<std::int64_t>(content.size())));
    for (std::size_t i = 0; i < content.size(); ++i) memory.write(made - 1 + 16 + i, content[i]);
    return made;
  }
  std::uint64_t array(const std::vector<std::uint64_t>& elements) {
    const std::uint64_t made = allocate(layout.type_fixed_array, 16 + elements.size() * 8);
    set(made, 8, smi(static_cast<std::int64_t>(elements.size())));
    for (std::size_t i = 0; i < elements.size(); ++i) {
      set(made, static_cast<std::uint32_t>(16 + i * 8), elements[i]);
    }
    return made;
  }
  std::uint64_t script(std::uint64_t name, std::uint64_t source, std::int32_t id = 1) {
    const std::uint64_t made = allocate(layout.type_script, 128);
    set(made, layout.script_name, name);
    set(made, layout.script_source, source);
    set(made, layout.script_id, smi(id));
    return made;
  }
  std::uint64_t shared(std::uint64_t name_or_scope, std::uint64_t script) {
    const std::uint64_t made = allocate(layout.type_shared_function_info, 64);
    set(made, layout.shared_name, name_or_scope);
    set(made, layout.shared_script, script);
    memory.write(made - 1 + layout.shared_token_offset, std::uint16_t{0xffff});
    return made;
  }
  std::uint64_t function(std::uint64_t shared_info) {
    const std::uint64_t made = allocate(layout.type_js_function_first, 64);
    set(made, layout.function_shared, shared_info);
    return made;
  }
  /// 100 bytes of bytecode with this position table.
  std::uint64_t bytecodes(const std::vector<std::uint8_t>& positions) {
    const std::uint64_t table = bytes(positions);
    const std::uint64_t made = allocate(layout.type_bytecode_array, layout.bytecode_data + 100);
    set(made, 8, smi(100));
    set(made, layout.bytecode_positions, table);
    return made;
  }
  /// Machine code of `size` bytes at `start`, a multiple of 64 in the JIT memory; its Code.
  std::uint64_t code(std::uint64_t start, std::uint32_t size, std::uint32_t kind,
                     std::uint64_t positions, std::uint64_t deopt_data) {
    const std::uint64_t made = allocate(layout.type_code, 64);
    set(made, layout.code_deopt_data, deopt_data);
    set(made, layout.code_positions, positions);
    set(made, layout.code_start, start);
    memory.write(made - 1 + layout.code_flags, kind);
    memory.write(made - 1 + layout.code_size, size);
    memory.write(start - layout.stream_header, map_of(250));
    memory.write(start - layout.stream_header + 8, made);
    return made;
  }

  /// A frame below those made before: [fp-8], [fp-16]... are `below`. Its fp.
  std::uint64_t frame(std::uint64_t caller_fp, std::uint64_t return_pc,
                      const std::vector<std::uint64_t>& below) {
    const std::uint64_t fp = sp - 16;
    memory.write(fp, caller_fp);
    memory.write(fp + 8, return_pc);
    for (std::size_t i = 0; i < below.size(); ++i) memory.write(fp - 8 * (i + 1), below[i]);
    sp = fp - 8 * below.size() - 32;
    return fp;
  }
  /// The frame C++ made to call JavaScript; `exit_fp`: what it saved of the isolate.
  std::uint64_t entry_frame(std::uint64_t exit_fp = 0) {
    return frame(0, kNativeCode, {layout.frame_entry * 2, 0, 0, 0, 0, 0, 0, exit_fp});
  }
  /// An interpreted function at a bytecode offset, called from generated code.
  std::uint64_t interpreted_frame(std::uint64_t caller_fp, std::uint64_t called,
                                  std::uint64_t array, std::int64_t offset) {
    return frame(caller_fp, kBuiltins + 0x20,
                 {array, called, 0, array, smi(offset + layout.bytecode_data - 1)});
  }
  std::uint64_t exit_frame(std::uint64_t caller_fp, std::uint64_t return_pc = kBuiltins + 0x20) {
    return frame(caller_fp, return_pc, {layout.frame_exit * 2, 0});
  }
  void set_exit(std::uint64_t fp) { memory.write(root_word(layout.isolate_c_entry_fp), fp); }

  /// What runs now, with all registers and the stack's copy.
  StackSample sample(std::uint64_t pc, std::uint64_t fp) const {
    StackSample made;
    made.registers.pc = pc;
    made.registers.sp = sp;
    made.registers.fp = fp;
    made.registers.has_all = true;
    made.registers.r13 = kRoot;
    return made;
  }
  StackSample sleeping_sample() const {
    StackSample made;
    made.way = CaptureWay::kSleeping;
    made.registers.pc = kNativeCode;
    made.registers.sp = sp;
    return made;
  }

  V8Layout layout;
  FakeMemory memory;
  std::uint64_t sp = kStack + kStackSize - 64;

 private:
  void fill_layout() {
    layout.node_major = 22;
    layout.type_js_function_first = 2066;
    layout.type_js_function_last = 2082;
    layout.type_shared_function_info = 274;
    layout.type_shared_function_info_wrapper = 195;
    layout.type_script = 167;
    layout.type_scope_info = 272;
    layout.type_bytecode_array = 205;
    layout.type_code = 206;
    layout.type_fixed_array = 174;
    layout.type_first_nonstring = 128;
    layout.map_instance_type = 12;
    layout.function_shared = 32;
    layout.shared_name = 16;
    layout.shared_script = 32;
    layout.shared_token_offset = 44;
    layout.script_source = 8;
    layout.script_name = 16;
    layout.script_line_ends = 56;
    layout.script_source_url = 112;
    layout.string_length = 12;
    layout.bytecode_data = 64;
    layout.bytecode_positions = 24;
    layout.code_start = 40;
    layout.code_size = 52;
    layout.code_flags = 48;
    layout.code_positions = 16;
    layout.code_deopt_data = 8;
    layout.stream_header = 32;
    layout.stream_alignment = 64;
    layout.code_kind_mask = 15;
    layout.code_kind_baseline = 10;
    layout.deopt_literals = 2;
    layout.deopt_shared = 6;
    layout.deopt_inlining = 7;
    layout.deopt_first_entry = 11;
    layout.translation_begin = 12;
    layout.translation_opcodes = 40;
    layout.translation_frame_operands = 3;
    layout.scope_first_vars = 3;
    layout.frame_entry = 1;
    layout.frame_construct_entry = 2;
    layout.frame_exit = 3;
    layout.frame_builtin_exit = 26;
    layout.frame_wasm = 4;
    layout.isolate_c_entry_fp = 0x90;
    layout.isolate_self = 0x90 + 0x60;
    layout.isolate_state = 0x90 + 0xa8;
    layout.isolate_fast_call_fp = 0x70;
    layout.builtins_start = kBuiltins;
    layout.builtins_end = kImageEnd;
  }
  std::uint64_t take(std::size_t size) {
    const std::uint64_t address = free_;
    free_ += (size + 15) / 8 * 8;
    return address;
  }
  std::uint64_t map_of(std::uint16_t type) {
    auto [entry, is_new] = maps_.try_emplace(type, 0);
    if (is_new) {
      const std::uint64_t address = take(32);
      memory.write(address + 12, type);
      entry->second = address + 1;
    }
    return entry->second;
  }

  std::uint64_t free_ = kHeap;
  std::map<std::uint16_t, std::uint64_t> maps_;
};

}  // namespace loopscope
