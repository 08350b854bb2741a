#include "culprit/v8/v8_walker.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string_view>
#include <utility>

namespace loopscope {
namespace {

constexpr int kMaxFrames = 96;
constexpr int kMaxNativeFrames = 128;
constexpr std::uint64_t kMaxFrameType = 63;
/// An entry frame keeps, below five saved registers, c_entry_fp as it was, and then the frame
/// and the pc of the last direct call of a C function.
constexpr std::uint64_t kEntrySavedExit = 64;
constexpr std::uint64_t kEntrySavedFastFp = 72;
constexpr std::uint64_t kEntrySavedFastPc = 80;
/// Of a builtin written in C++: where its frame keeps the JSFunction.
constexpr std::uint64_t kBuiltinExitTarget = 24;
/// How far into a function its frame is made.
constexpr std::uint64_t kMaxPrologue = 128;

}  // namespace

V8Walker::V8Walker(V8Frames& frames, const V8CodeMap& code, const V8Isolates& isolates,
                   const MemoryMap& map, const StackSample& sample, std::uint64_t root)
    : frames_(frames),
      code_(code),
      isolates_(isolates),
      map_(map),
      sample_(sample),
      root_(root),
      last_fp_(sample.registers.sp),
      low_(sample.registers.sp) {
  const Mapping* stack = map.find(sample.registers.sp);
  if (stack == nullptr) return;
  stack_end_ = stack->end;
  // Of a thread that runs on, only what was copied with the registers is of their instant.
  if (sample.registers.has_all && !sample.stack.empty()) {
    stack_end_ = std::min<std::uint64_t>(stack_end_, sample.registers.sp + sample.stack.size());
  }
}

bool V8Walker::in_stack(std::uint64_t fp) const {
  return fp % 8 == 0 && fp >= last_fp_ && fp < stack_end_ && stack_end_ - fp >= 16;
}

V8Walker::Step V8Walker::broken(const char* problem) {
  walk_.problem = problem;
  return Step::kBroken;
}

void V8Walker::add(std::vector<V8Frame> frames) {
  for (V8Frame& frame : frames) {
    if (walk_.frames.size() >= kMaxFrames) return;
    has_user_frame_ = has_user_frame_ || frame.is_user;
    walk_.frames.push_back(std::move(frame));
  }
}

V8Walk V8Walker::walk() {
  const StackRegisters& registers = sample_.registers;
  Step outcome = Step::kNext;
  if (stack_end_ == 0) {
    outcome = broken("the stack pointer is in no mapping");
  } else if (!code_.knows_builtins(map_)) {
    outcome = broken("the image is stripped and its builtins are mapped only once");
  } else if (kind(registers.pc) == V8CodeKind::kNone) {
    // As if native, the frame pointer would lead past the function that runs.
    outcome = broken("the program counter is in no code");
  } else if (is_generated(registers.pc)) {
    outcome = registers.has_all ? start_at_top() : broken("generated code without registers");
  } else {
    outcome = registers.has_all ? enter_from_native(registers.fp) : enter_from_isolate();
    walk_.no_javascript = outcome == Step::kEnd;
  }
  return walk_on(outcome);
}

V8Walk V8Walker::walk_from(const GeneratedFrame& entry) {
  last_fp_ = std::max(last_fp_, entry.sp);
  if (!is_generated(entry.pc - 1)) return walk_on(broken("the frame to start at is none"));
  place_ = Place{entry.fp, entry.pc - 1, false, entry.sp};
  return walk_on(Step::kNext);
}

V8Walk V8Walker::walk_on(Step outcome) {
  for (int i = 0; i < kMaxFrames && outcome == Step::kNext; ++i) outcome = step();
  walk_.trusted = outcome != Step::kBroken || has_user_frame_;
  return std::move(walk_);
}

std::optional<V8Walker::Place> V8Walker::follow_native_chain(std::uint64_t fp) const {
  std::uint64_t above = last_fp_;
  for (int i = 0; i < kMaxNativeFrames; ++i) {
    if (fp < above || !in_stack(fp)) return std::nullopt;
    const auto next = frames_.heap().word(fp);
    const auto pc = frames_.heap().word(fp + 8);
    if (!next || !pc || *pc == 0) return std::nullopt;
    const V8CodeKind found = kind(*pc - 1);
    if (found == V8CodeKind::kNone) return std::nullopt;
    if (found != V8CodeKind::kNative) {
      if (*next <= fp || !in_stack(*next)) return std::nullopt;
      return Place{*next, *pc - 1};
    }
    above = fp + 16;
    fp = *next;
  }
  return std::nullopt;
}

V8Walker::Step V8Walker::enter_at_exit(std::uint64_t exit_fp) {
  if (!in_stack(exit_fp)) return broken("the isolate's exit frame is not on this stack");
  const auto words = frames_.read(exit_fp, 0);
  if (!words || !words->is_typed() || words->type() < 3 || words->type() > kMaxFrameType ||
      !is_generated(words->return_pc - 1)) {
    return broken("the isolate's exit frame is none");
  }
  place_ = Place{exit_fp, 0};
  return Step::kNext;
}

V8Walker::Step V8Walker::enter_from_isolate() {
  if (root_ == 0) return broken("the isolate is not known");
  const auto tops = isolates_.tops(root_, frames_.heap().memory());
  if (!tops) return broken("the isolate is not readable");
  if (tops->c_entry_fp != 0) return enter_at_exit(tops->c_entry_fp);
  if (tops->fast_call_fp == 0) return Step::kEnd;
  if (!in_stack(tops->fast_call_fp))
    return broken("the frame of a direct call is not on this stack");
  place_ = Place{tops->fast_call_fp, 0};
  return Step::kNext;
}

V8Walker::Step V8Walker::enter_from_native(std::uint64_t fp) {
  if (const auto found = follow_native_chain(fp)) {
    place_ = *found;
    return Step::kNext;
  }
  return enter_from_isolate();
}

std::uint64_t V8Walker::return_address_near(std::uint64_t sp, std::uint64_t fp) const {
  // The builtins that call C++ without a frame first save all registers of the caller.
  constexpr std::uint64_t kSearched = 48 * 8;
  for (std::uint64_t at = sp; at < fp && at < sp + kSearched; at += 8) {
    const auto word = frames_.heap().word(at);
    if (!word) return 0;
    if (*word != 0 && kind(*word - 1) == V8CodeKind::kJit) return *word - 1;
  }
  return 0;
}

V8Walker::Step V8Walker::start_at_top() {
  const StackRegisters& registers = sample_.registers;
  place_ = Place{registers.fp, registers.pc, true, registers.sp};
  if (kind(registers.pc) != V8CodeKind::kJit) return Step::kNext;
  const auto code = frames_.code(registers.pc);
  if (!code || code->kind == V8Code::Kind::kOther) return Step::kNext;
  // Up to `push rbp; mov rbp, rsp` and on `ret`, rbp is the caller's.
  constexpr std::string_view kMakeFrame("\x55\x48\x89\xe5", 4);
  constexpr std::string_view kMakeFrameToo("\x55\x48\x8b\xec", 4);
  const std::uint64_t offset = registers.pc - code->start;
  std::array<char, kMaxPrologue> head{};
  const std::size_t size = std::min<std::uint64_t>(head.size(), code->size);
  if (!frames_.heap().memory().read(code->start,
                                    std::as_writable_bytes(std::span(head)).first(size))) {
    return broken("the code is not readable");
  }
  const std::string_view text(head.data(), size);
  const std::size_t make_frame = std::min(text.find(kMakeFrame), text.find(kMakeFrameToo));
  const auto now = frames_.heap().memory().read_value<std::uint8_t>(registers.pc);
  const bool is_return = now && (*now == 0xc3 || *now == 0xc2);
  std::uint64_t return_at = 0;
  if (make_frame != std::string_view::npos && offset <= make_frame + 1) {
    return_at = registers.sp + (offset == make_frame + 1 ? 8 : 0);
  } else if (is_return) {
    return_at = registers.sp;
  }
  if (return_at == 0) return Step::kNext;
  add(frames_.name_code(registers.pc));
  const auto pc = frames_.heap().word(return_at);
  place_.is_top = false;
  place_.pc = pc && *pc != 0 && is_generated(*pc - 1) ? *pc - 1 : 0;
  return Step::kNext;
}

V8Handler V8Walker::handler_at(std::uint64_t pc, bool is_top) const {
  if (!code_.knows_handlers()) return V8Handler::kUnknown;
  if (!code_.is_handler(pc, map_)) return V8Handler::kNone;
  return is_top ? V8Handler::kRuns : V8Handler::kCalls;
}

V8Walker::Step V8Walker::step() {
  const std::uint64_t fp = place_.fp;
  if (!in_stack(fp)) return broken("a frame pointer leaves the stack");
  auto words = frames_.read(fp, place_.pc);
  if (!words) return broken("a frame is not readable");
  words->is_top = place_.is_top;
  words->low = std::max({low_, place_.sp, place_.is_top ? sample_.registers.sp : 0});
  words->handler = handler_at(place_.pc, place_.is_top);
  if (handler_ != V8Handler::kUnknown) words->handler = handler_;
  handler_ = V8Handler::kUnknown;
  // What a frame that is being made does not hold yet is another call's leavings.
  const std::uint64_t sp = sample_.registers.sp;
  if (place_.is_top && sp > fp - 8) return next_frame(*words);
  if (words->is_typed()) return typed_frame(*words);
  if (place_.is_top && sp > fp - 16) {
    add(frames_.name_code(place_.pc));
    return next_frame(*words);
  }
  return function_frame(*words);
}

V8Walker::Step V8Walker::next_frame(const V8FrameWords& words) {
  last_fp_ = words.fp + 16;
  // A handler that calls a builtin without saving the bytecode's offset has it in a frame of its
  // own, which has a type.
  const V8Layout& layout = frames_.heap().layout();
  const bool is_builtins_own = words.is_typed() && words.type() != layout.frame_exit &&
                               words.type() != layout.frame_builtin_exit;
  if (!is_builtins_own) low_ = last_fp_;
  if (is_builtins_own && code_.is_handler(words.pc, map_)) handler_ = words.handler;
  const std::uint64_t pc = words.return_pc - 1;
  if (words.return_pc != 0 && is_generated(pc)) {
    place_ = Place{words.caller_fp, pc};
    return Step::kNext;
  }
  // The regular expression engine's code is called by C++ directly.
  if (kind(pc) != V8CodeKind::kNative) return broken("a return address is in no code");
  if (const auto found = follow_native_chain(words.caller_fp)) {
    place_ = *found;
    return Step::kNext;
  }
  const Step outcome = enter_from_isolate();
  return outcome == Step::kEnd ? broken("generated code was not entered") : outcome;
}

V8Walker::Step V8Walker::leave_entry(const V8FrameWords& words) {
  last_fp_ = words.fp + 16;
  const auto exit_fp = frames_.heap().word(words.fp - kEntrySavedExit);
  if (!exit_fp) return broken("an entry frame is not readable");
  if (*exit_fp != 0) return enter_at_exit(*exit_fp);
  if (!frames_.heap().layout().entry_keeps_fast_call) return Step::kEnd;
  const auto fast_fp = frames_.heap().word(words.fp - kEntrySavedFastFp);
  const auto fast_pc = frames_.heap().word(words.fp - kEntrySavedFastPc);
  if (!fast_fp || !fast_pc) return broken("an entry frame is not readable");
  if (*fast_fp == 0) return Step::kEnd;
  if (!in_stack(*fast_fp) || !is_generated(*fast_pc)) {
    return broken("the frame of a direct call is not on this stack");
  }
  place_ = Place{*fast_fp, *fast_pc};
  return Step::kNext;
}

V8Walker::Step V8Walker::typed_frame(const V8FrameWords& words) {
  const V8Layout& layout = frames_.heap().layout();
  const std::uint64_t type = words.type();
  if (type == layout.frame_entry || type == layout.frame_construct_entry) {
    return leave_entry(words);
  }
  if (type == 0 || type > kMaxFrameType) {
    // The frames of regular expressions hold what their C++ caller left in a register.
    const bool regexp = layout.regexp_frames_untyped && kind(words.pc) == V8CodeKind::kJit;
    return regexp ? function_frame(words) : broken("a frame has no type");
  }
  if (type == layout.frame_builtin_exit) {
    const auto target = frames_.heap().word(words.fp + kBuiltinExitTarget);
    if (auto frame = target ? frames_.name_function(*target) : std::nullopt) {
      add({std::move(*frame)});
    }
  } else if (type == layout.frame_wasm) {
    V8Frame frame;
    frame.frame.kind = "js";
    frame.frame.function = "wasm-function[?]";  // which one, only V8's code manager knows
    add({std::move(frame)});
  }
  return next_frame(words);
}

V8Walker::Step V8Walker::function_frame(V8FrameWords words) {
  const V8CodeKind code_kind = words.pc != 0 ? kind(words.pc) : V8CodeKind::kBuiltins;
  if (code_kind == V8CodeKind::kJit) {
    const auto code = frames_.code(words.pc);
    if (code && code->kind == V8Code::Kind::kOther &&
        frames_.heap().layout().regexp_frames_untyped) {
      return next_frame(words);
    }
  }
  std::vector<V8Frame> named;
  if (place_.sp != 0 && code_kind == V8CodeKind::kBuiltins) {
    // A builtin without a frame of its own runs on the frame of optimized or baseline code.
    const std::uint64_t pc = return_address_near(place_.sp, words.fp);
    if (pc != 0 && !frames_.is_interpreted(words)) {
      V8FrameWords caller = words;
      caller.pc = pc;
      caller.is_top = false;
      named = frames_.name(caller, V8CodeKind::kJit, sample_.registers);
    }
  }
  if (named.empty()) named = frames_.name(words, code_kind, sample_.registers);
  if (named.empty() && words.is_top && code_kind == V8CodeKind::kJit &&
      !frames_.is_own_frame(words)) {
    // Its own frame is gone already: the frame at rbp is the caller's.
    add(frames_.name_code(words.pc));
    words.pc = 0;
    named = frames_.name(words, V8CodeKind::kBuiltins, sample_.registers);
  }
  if (named.empty()) return broken("a frame in generated code holds no function");
  add(std::move(named));
  return next_frame(words);
}

}  // namespace loopscope
