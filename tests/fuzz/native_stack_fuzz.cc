#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "culprit/native/cfi_program.h"
#include "culprit/native/frame_size.h"
#include "culprit/native/frame_stepper.h"
#include "culprit/native/perf_map.h"
#include "culprit/native/symbol_name.h"

// The first byte chooses what the rest is: a perf map, a symbol, machine code, or unwind tables
// and a stack. Whatever they hold, it ends, within bounds.

namespace {

using loopscope::FrameRegisters;
using loopscope::RemoteRead;

constexpr std::uint64_t kCode = 0x400000;
constexpr std::uint64_t kStack = 0x7000'0000;
constexpr std::size_t kCodeSize = 0x1000;
constexpr std::size_t kStackSize = 0x1000;

/// The input over and over, at the stack's and the code's addresses.
class InputMemory final : public loopscope::MemoryReader {
 public:
  explicit InputMemory(std::span<const std::byte> input) : input_(input) {}

  loopscope::Result<void> read(std::uint64_t address, std::span<std::byte> out) const override {
    if (!is_mapped(address, out.size()) || input_.empty()) return loopscope::Error{"unmapped"};
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = input_[(address + i) % input_.size()];
    return {};
  }
  bool read_many(std::span<const RemoteRead> pieces) const override {
    return std::all_of(pieces.begin(), pieces.end(), [&](const RemoteRead& piece) {
      return read(piece.address, {static_cast<std::byte*>(piece.destination), piece.size}).ok();
    });
  }
  std::size_t read_some(std::uint64_t address, std::span<std::byte> out) const override {
    return read(address, out) ? out.size() : 0;
  }

 private:
  static bool is_in(std::uint64_t address, std::size_t size, std::uint64_t start,
                    std::size_t length) {
    return address >= start && address - start <= length && size <= length - (address - start);
  }
  static bool is_mapped(std::uint64_t address, std::size_t size) {
    return is_in(address, size, kStack, kStackSize) || is_in(address, size, kCode, kCodeSize);
  }

  std::span<const std::byte> input_;
};

void check(bool holds) {
  if (!holds) std::abort();
}

void try_perf_map(std::span<const std::byte> input) {
  loopscope::UniqueFd file(::memfd_create("perf-map", MFD_CLOEXEC));
  const int copy = ::dup(file.get());
  if (copy < 0) return;
  loopscope::PerfMap map(std::move(file));
  // In two pieces, as a JIT writes it.
  for (const auto piece : {input.first(input.size() / 2), input.subspan(input.size() / 2)}) {
    if (::write(copy, piece.data(), piece.size()) != static_cast<ssize_t>(piece.size())) break;
    for (const std::uint64_t pc : {std::uint64_t{0}, std::uint64_t{0x1000}, ~std::uint64_t{0}}) {
      const auto frame = map.find(pc);
      if (frame) check(frame->function.size() <= 256 && frame->file.size() <= 256);
    }
  }
  ::close(copy);
}

void try_symbol(std::string_view text) {
  check(loopscope::readable_symbol(text).size() <= loopscope::kMaxFunctionName);
  check(loopscope::readable_symbol("_Z" + std::string(text)).size() <= loopscope::kMaxFunctionName);
  check(loopscope::shorten_cpp_name(text).size() <= text.size());
}

void step_by_tables(std::span<const std::byte> input) {
  std::uint8_t cie_size = 0;
  std::memcpy(&cie_size, input.data(), sizeof cie_size);
  const auto rest = input.subspan(1);
  const auto cie_bytes = rest.first(std::min<std::size_t>(cie_size, rest.size()));
  const auto cie = loopscope::parse_cie(cie_bytes);
  if (!cie) return;
  auto fde = loopscope::parse_fde(*cie, rest.subspan(cie_bytes.size()), kCode);
  if (!fde) return;
  const InputMemory memory(input);
  const auto map = loopscope::MemoryMap::parse(
      "00400000-00401000 r-xp 00000000 00:00 0\n70000000-70001000 rw-p 00000000 00:00 0\n");
  const loopscope::FrameStepper stepper(memory, map, kStack);
  FrameRegisters frame;
  frame.pc = kCode + 0x100;
  frame.values[loopscope::kDwarfRsp] = kStack;
  frame.values[loopscope::kDwarfRbp] = kStack + 0x40;
  frame.values[loopscope::kDwarfRbx] = kStack + 0x80;
  std::size_t steps = 0;
  for (bool again = true; again; ++steps) {
    const std::uint64_t sp = frame.sp();
    const auto row = loopscope::run_cfi(*cie, *fde, fde->begin + frame.pc % 64);
    again = row && stepper.step_by_cfi(*row, frame);
    if (!again) again = stepper.step_by_frame_pointer(frame);
    if (!again)
      again = stepper.recover_frame_pointer(frame.pc % 64, frame) &&
              stepper.step_by_frame_pointer(frame);
    check(!again || frame.sp() > sp);
  }
  check(steps <= kStackSize);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto input = std::as_bytes(std::span(data, size)).subspan(1);
  switch (data[0] % 4) {
    case 0:
      try_perf_map(input);
      break;
    case 1:
      try_symbol({reinterpret_cast<const char*>(data) + 1, size - 1});
      break;
    case 2:
      loopscope::frame_size_by_prologue(input.first(std::min<std::size_t>(input.size(), 256)),
                                        kCode);
      break;
    default:
      step_by_tables(input);
  }
  return 0;
}
