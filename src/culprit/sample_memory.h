#pragma once

#include <cstdint>
#include <span>

#include "base/clock.h"
#include "culprit/stack_sample.h"
#include "target/memory_reader.h"

namespace loopscope {

/// How much one capture may read of its target, in all.
struct ReadBudget {
  std::size_t reads = 4000;                    ///< system calls
  std::size_t bytes = std::size_t{8} << 20;    ///< of copied memory
  Nanos time = std::chrono::milliseconds(50);  ///< until this after construction
};

/// A target's memory as of one StackSample: the stack from the sample's copy, everything else
/// read from the target now. Once the budget is used up every read fails, so that whatever
/// walks it ends soon, also in a target made to be walked for ever.
/// Not thread-safe. All three must outlive this.
class SampleMemory final : public MemoryReader {
 public:
  SampleMemory(const StackSample& sample, const MemoryReader& target, const Clock& clock,
               ReadBudget budget = {});

  Result<void> read(std::uint64_t address, std::span<std::byte> destination) const override;
  bool read_many(std::span<const RemoteRead> pieces) const override;
  std::size_t read_some(std::uint64_t address, std::span<std::byte> destination) const override;

  /// Some read failed for want of budget.
  bool is_exhausted() const { return exhausted_; }

 private:
  bool in_stack(std::uint64_t address, std::size_t size) const;
  /// Takes one read of `size` bytes from the budget.
  bool afford(std::size_t size) const;

  const StackSample& sample_;
  const MemoryReader& target_;
  const Clock& clock_;
  const ReadBudget budget_;
  const Nanos deadline_;
  mutable std::size_t reads_ = 0;
  mutable std::size_t bytes_ = 0;
  mutable bool exhausted_ = false;
};

}  // namespace loopscope
