#include "target/uv_call_sites.h"

#include <capstone/x86.h>

#include <algorithm>
#include <array>

#include "target/uv_function.h"
#include "target/uv_layout.h"

namespace loopscope {
namespace {

using Kind = CodeInstruction::Kind;

struct NamedPhase {
  std::string_view name;
  Phase phase;
};

// libuv's own functions by the phase a call to them is part of. What is missing here
// (uv__hrtime, the I/O callbacks called directly since 1.52) is settled by its place.
constexpr std::array<NamedPhase, 10> kNamedCallees = {{
    {"uv__run_timers", Phase::kTimers},
    {"uv__run_pending", Phase::kPending},
    {"uv__io_cb", Phase::kPending},
    {"uv__run_idle", Phase::kIdlePrepare},
    {"uv__run_prepare", Phase::kIdlePrepare},
    {"uv__io_poll", Phase::kPoll},
    {"uv__run_check", Phase::kCheck},
    {"uv__run_closing_handles", Phase::kClosing},
    {"uv__finish_close", Phase::kClosing},
    {"uv__stream_destroy", Phase::kClosing},
}};

constexpr std::array<std::string_view, 3> kWaitFunctions = {"epoll_wait", "epoll_pwait",
                                                            "epoll_pwait2"};
constexpr std::array<std::string_view, 3> kNoReturnFunctions = {"__assert_fail", "abort",
                                                                "__stack_chk_fail"};

template <std::size_t N>
bool is_one_of(const std::optional<std::string>& name,
               const std::array<std::string_view, N>& names) {
  return name && std::find(names.begin(), names.end(), *name) != names.end();
}

bool is_wait_function(const std::optional<std::string>& name) {
  return is_one_of(name, kWaitFunctions);
}

// "uv__run_pending.part.0" is uv__run_pending.
std::optional<Phase> phase_of_name(std::string_view name) {
  const std::string_view stem = name.substr(0, name.find('.'));
  for (const NamedPhase& entry : kNamedCallees) {
    if (entry.name == stem) return entry.phase;
  }
  return std::nullopt;
}

bool calls_epoll_wait(const CodeImage& image, const UvFunction& function) {
  const auto calls = function.calls();
  return std::any_of(calls.begin(), calls.end(), [&image](const CodeInstruction* call) {
    return is_wait_function(imported_callee(image, *call));
  });
}

// Each phase function walks its own list in uv_loop_t and calls back through a pointer;
// helpers such as uv__next_timeout touch the same fields but call nothing back.
std::optional<Phase> phase_of_body(const CodeImage& image, std::uint64_t address) {
  const auto function = UvFunction::load(image, {.address = address, .size = 0});
  if (!function) return std::nullopt;
  if (calls_epoll_wait(image, *function)) return Phase::kPoll;
  if (!function->has_indirect_call()) return std::nullopt;
  if (function->touches(uv_layout::kLoopTimerHeap)) return Phase::kTimers;
  if (function->touches(uv_layout::kLoopCheckHandles)) return Phase::kCheck;
  if (function->touches(uv_layout::kLoopPrepareHandles) ||
      function->touches(uv_layout::kLoopIdleHandles)) {
    return Phase::kIdlePrepare;
  }
  if (function->touches(uv_layout::kLoopPendingQueue)) return Phase::kPending;
  return std::nullopt;
}

class Analysis {
 public:
  Analysis(const CodeImage& image, UvFunction run) : image_(image), run_(std::move(run)) {}

  Result<UvCallSites> finish() {
    classify_by_callee();
    classify_by_place();
    if (!poll_) return Error{"no call from uv_run reaches an epoll wait"};
    UvCallSites sites;
    for (const CodeInstruction* call : run_.calls()) {
      const auto it = phases_.find(call->address);
      if (it != phases_.end()) sites.run_sites.push_back({call->next(), it->second});
    }
    std::sort(sites.run_sites.begin(), sites.run_sites.end(),
              [](const auto& a, const auto& b) { return a.return_address < b.return_address; });
    if (auto found = find_wait_sites(sites); !found) return found.error();
    return sites;
  }

 private:
  void classify_by_callee() {
    std::vector<std::uint64_t> callees;
    for (const CodeInstruction* call : run_.calls()) {
      if (const auto target = call->direct_target()) callees.push_back(*target);
    }
    const auto names = image_.function_names(callees);
    std::map<std::uint64_t, std::optional<Phase>> by_body;
    for (const CodeInstruction* call : run_.calls()) {
      const auto target = call->direct_target();
      if (!target) continue;
      std::optional<Phase> phase;
      if (const auto name = names.find(*target); name != names.end()) {
        phase = phase_of_name(name->second);
      } else {
        auto [known, is_new] = by_body.try_emplace(*target);
        if (is_new) known->second = phase_of_body(image_, *target);
        phase = known->second;
      }
      if (!phase) continue;
      phases_[call->address] = *phase;
      if (*phase == Phase::kPoll) poll_ = *target;
    }
  }

  // A turn runs timers, pending, idle, prepare, poll, pending left over, check, closing;
  // libuv >= 1.45 runs timers last. Calls no callee has named belong to the phase that
  // the flow of control is in between two named ones.
  void classify_by_place() {
    const auto anchors = phases_;
    const auto spread = [this, &anchors](Phase from, Phase to) {
      for (const auto& [address, phase] : anchors) {
        if (phase != from) continue;
        const std::uint64_t after = return_address_of(address);
        run_.walk_calls(after, [this, &anchors, to](const CodeInstruction& call) {
          if (anchors.count(call.address) != 0) return false;
          if (is_one_of(imported_callee(image_, call), kNoReturnFunctions)) return false;
          phases_.try_emplace(call.address, to);
          return true;
        });
      }
    };
    spread(Phase::kCheck, Phase::kClosing);
    spread(Phase::kTimers, Phase::kPending);
    spread(Phase::kPoll, Phase::kPending);
    spread(Phase::kIdlePrepare, Phase::kIdlePrepare);
    // What an unresolved jump hides: pending callbacks get POLLOUT as their third argument.
    for (const CodeInstruction* call : run_.calls()) {
      if (phases_.count(call->address) == 0 && passes_pollout(*call)) {
        phases_[call->address] = Phase::kPending;
      }
    }
  }

  std::uint64_t return_address_of(std::uint64_t call_address) const {
    for (const CodeInstruction* call : run_.calls()) {
      if (call->address == call_address) return call->next();
    }
    return 0;
  }

  bool passes_pollout(const CodeInstruction& call) const {
    constexpr std::int64_t kPollOut = 4;
    const auto& code = run_.code();
    const auto it = std::find_if(code.begin(), code.end(), [&call](const CodeInstruction& insn) {
      return insn.address == call.address;
    });
    for (auto back = it; back != code.begin() && it - back < 8;) {
      --back;
      if (back->kind == Kind::kCall) return false;
      if (back->id == X86_INS_MOV && back->operands[0].reg == X86_REG_EDX &&
          back->operands[1].kind == CodeOperand::Kind::kImmediate) {
        return back->operands[1].value == kPollOut;
      }
    }
    return false;
  }

  Result<void> find_wait_sites(UvCallSites& sites) const {
    const auto named = image_.find_function("uv__io_poll");
    const std::uint64_t size = named && named->address == *poll_ ? named->size : 0;
    const auto poll = UvFunction::load(image_, {.address = *poll_, .size = size});
    if (!poll) return poll.error();
    for (const CodeInstruction* call : poll->calls()) {
      if (is_wait_function(imported_callee(image_, *call)))
        sites.wait_sites.push_back(call->next());
    }
    std::sort(sites.wait_sites.begin(), sites.wait_sites.end());
    if (sites.wait_sites.empty()) return Error{"uv__io_poll calls no epoll wait"};
    if (const auto frame = poll->frame_size()) sites.io_word_offset = *frame + 8;
    sites.poll_base_offset = poll->spill_of_field(uv_layout::kLoopTime);
    return {};
  }

  const CodeImage& image_;
  UvFunction run_;
  std::map<std::uint64_t, Phase> phases_;  // by address of the call
  std::optional<std::uint64_t> poll_;      // address of uv__io_poll
};

// uv_version() is `mov eax, imm32; ret`.
unsigned read_version(const CodeImage& image) {
  const auto where = image.find_function("uv_version");
  if (!where) return 0;
  std::byte bytes[16];
  const std::size_t size = image.read_at(where->address, bytes);
  const auto code = disassemble_x86_64(std::span(bytes, size), where->address);
  if (!code) return 0;
  for (const CodeInstruction& insn : *code) {
    if (insn.kind == Kind::kReturn) break;
    if (insn.id == X86_INS_MOV && insn.operands[0].reg == X86_REG_EAX &&
        insn.operands[1].kind == CodeOperand::Kind::kImmediate) {
      return static_cast<unsigned>(insn.operands[1].value);
    }
  }
  return 0;
}

}  // namespace

std::optional<Phase> UvCallSites::phase_of(std::uint64_t return_address) const {
  const auto it = std::lower_bound(
      run_sites.begin(), run_sites.end(), return_address,
      [](const RunSite& site, std::uint64_t value) { return site.return_address < value; });
  if (it == run_sites.end() || it->return_address != return_address) return std::nullopt;
  return it->phase;
}

bool UvCallSites::is_wait_site(std::uint64_t return_address) const {
  return std::binary_search(wait_sites.begin(), wait_sites.end(), return_address);
}

std::string UvCallSites::version_string() const {
  if (version == 0) return {};
  return std::to_string(version >> 16) + "." + std::to_string(version >> 8 & 0xff) + "." +
         std::to_string(version & 0xff);
}

Result<UvCallSites> analyze_uv_call_sites(const CodeImage& image) {
  const auto where = image.find_function("uv_run");
  if (!where) return Error{"the image has no uv_run"};
  auto run = UvFunction::load(image, *where);
  if (!run) return run.error();
  auto sites = Analysis(image, std::move(*run)).finish();
  if (sites) sites->version = read_version(image);
  return sites;
}

}  // namespace loopscope
