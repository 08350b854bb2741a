#include "culprit/native/native_stack.h"

#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "culprit/native/frame_registers.h"
#include "culprit/native/frame_stepper.h"
#include "culprit/native/image_table.h"
#include "culprit/native/perf_map.h"

namespace loopscope {
namespace {

constexpr std::size_t kMaxFrames = 128;
/// Images whose symbols are searched in one walk: a hostile target may have mapped many files
/// with huge tables. What is left out has no name in this walk; the next one goes on there.
constexpr std::size_t kMaxSearched = 8;

FrameRegisters innermost(const StackRegisters& registers) {
  FrameRegisters frame;
  frame.pc = registers.pc;
  frame.values[kDwarfRsp] = registers.sp;
  if (registers.has_all) {
    frame.values[kDwarfRbp] = registers.fp;
    frame.values[kDwarfRbx] = registers.rbx;
    frame.values[kDwarfR9] = registers.r9;
    frame.values[kDwarfR12] = registers.r12;
    frame.values[kDwarfR12 + 1] = registers.r13;
    frame.values[kDwarfR12 + 2] = registers.r14;
    frame.values[kDwarfR12 + 3] = registers.r15;
  }
  return frame;
}

class NativeStackReader final : public NativeStack {
 public:
  explicit NativeStackReader(int pid) : pid_(pid), images_(pid) {}

  NativeUnwinding unwind(const StackSample& sample, const MemoryReader& memory,
                         const MemoryMap& map,
                         const std::function<bool(std::uint64_t pc)>& is_generated) override {
    NativeUnwinding found;
    const FrameStepper stepper(memory, map, sample.registers.sp);
    FrameRegisters frame = innermost(sample.registers);
    // A return address may be one past its function's end, the call being its last act; the
    // innermost pc and an interrupted one are where they say.
    bool is_return_address = false;
    while (found.frames.size() < kMaxFrames) {
      if (is_generated && is_generated(frame.pc)) {
        found.generated = GeneratedFrame{frame.pc, frame.sp(), frame.values[kDwarfRbp].value_or(0)};
        break;
      }
      const Mapping* mapping = map.find(frame.pc);
      if (mapping == nullptr || !mapping->executable) break;
      const auto image = images_.find(map, *mapping, memory);
      const std::uint64_t lookup = frame.pc - (is_return_address ? 1 : 0);
      found.frames.push_back({frame.pc, lookup, image, mapping});
      const auto row = image != nullptr ? image->row_at(lookup) : std::nullopt;
      if (!step(stepper, image.get(), row, lookup, frame)) break;
      is_return_address = !(row && row->is_signal_frame);
    }
    return found;
  }

  NativeWalk name(const NativeUnwinding& unwinding) override {
    NativeWalk walk;
    walk.generated = unwinding.generated;
    learn_names(unwinding.frames);
    for (const auto& frame : unwinding.frames) walk.frames.push_back(describe(frame));
    return walk;
  }

 private:
  static bool step(const FrameStepper& stepper, const NativeImage* image,
                   const std::optional<CfiRow>& row, std::uint64_t lookup, FrameRegisters& frame) {
    if (!row) return stepper.step_by_frame_pointer(frame);
    if (FrameStepper::lacks_frame_pointer(*row, frame)) {
      const auto size = image->frame_size(*row, lookup);
      if (!size || !stepper.recover_frame_pointer(*size, frame)) return false;
    }
    return stepper.step_by_cfi(*row, frame);
  }

  /// One pass over each image's symbols for all of its frames.
  static void learn_names(const std::vector<NativeUnwinding::Frame>& found) {
    std::map<NativeImage*, std::vector<std::uint64_t>> by_image;
    for (const NativeUnwinding::Frame& frame : found) {
      if (frame.image != nullptr) by_image[frame.image.get()].push_back(frame.lookup);
    }
    std::size_t searched = 0;
    for (const auto& [image, addresses] : by_image) {
      if (searched < kMaxSearched && image->learn(addresses)) ++searched;
    }
  }

  NativeFrame describe(const NativeUnwinding::Frame& found) {
    NativeFrame native;
    native.pc = found.pc;
    if (found.image != nullptr) {
      native.frame.kind = "native";
      native.frame.file = found.image->base_name();
      native.image = found.image->path();
      native.role = role_of_image(native.image);
      if (const NativeImage::Function* function = found.image->find(found.lookup)) {
        native.frame.function = function->name;
        native.role = function->role;
      }
    } else if (auto named = find_in_perf_map(found.lookup)) {
      native.frame = std::move(*named);
    } else if (found.mapping->is_file()) {
      native.frame.kind = "native";
      native.frame.file = image_base_name(found.mapping->path);
      native.image = found.mapping->path;
      native.role = role_of_image(native.image);
    } else {
      native.frame.kind = "unknown";
    }
    return native;
  }

  std::optional<StackFrame> find_in_perf_map(std::uint64_t address) {
    // A JIT may open it late.
    if (!perf_map_.has_file()) perf_map_ = PerfMap::open(pid_);
    return perf_map_.find(address);
  }

  int pid_;
  ImageTable images_;
  PerfMap perf_map_;
};

}  // namespace

std::unique_ptr<NativeStack> NativeStack::open(int pid) {
  return std::make_unique<NativeStackReader>(pid);
}

}  // namespace loopscope
