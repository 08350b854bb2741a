#include "culprit/perf_record.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace loopscope {
namespace {

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <typename T>
  bool take(T& value) {
    if (bytes_.size() < sizeof value) return false;
    std::memcpy(&value, bytes_.data(), sizeof value);
    bytes_ = bytes_.subspan(sizeof value);
    return true;
  }
  std::optional<std::span<const std::byte>> take_bytes(std::uint64_t count) {
    if (count > bytes_.size()) return std::nullopt;
    const auto taken = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return taken;
  }

 private:
  std::span<const std::byte> bytes_;
};

/// In ascending order of their bits in kPerfRegisters.
bool take_registers(Reader& reader, StackRegisters& out) {
  std::uint64_t abi = 0;
  if (!reader.take(abi) || abi == 0) return false;
  out.has_all = true;
  for (std::uint64_t* value :
       {&out.rbx, &out.fp, &out.sp, &out.pc, &out.r9, &out.r12, &out.r13, &out.r14, &out.r15}) {
    if (!reader.take(*value)) return false;
  }
  return true;
}
static_assert(std::popcount(kPerfRegisters) == 9);

}  // namespace

std::optional<StackSample> parse_perf_sample(std::span<const std::byte> body) {
  Reader reader(body);
  StackSample sample;
  sample.way = CaptureWay::kPerf;
  std::uint64_t time_ns = 0;
  std::uint64_t stack_size = 0;
  if (!reader.take(sample.pid) || !reader.take(sample.tid) || !reader.take(time_ns) ||
      !take_registers(reader, sample.registers) || !reader.take(stack_size)) {
    return std::nullopt;
  }
  sample.at = Nanos(time_ns);
  const auto stack = reader.take_bytes(stack_size);
  if (!stack) return std::nullopt;
  std::uint64_t valid = 0;
  if (stack_size > 0 && !reader.take(valid)) return std::nullopt;
  const auto used = stack->first(std::min<std::uint64_t>(valid, stack_size));
  sample.stack.assign(used.begin(), used.end());
  return sample;
}

}  // namespace loopscope
