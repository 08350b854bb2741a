#include "culprit/sample_memory.h"

#include <array>
#include <cstring>

namespace loopscope {

SampleMemory::SampleMemory(const StackSample& sample, const MemoryReader& target,
                           const Clock& clock, ReadBudget budget)
    : sample_(sample),
      target_(target),
      clock_(clock),
      budget_(budget),
      deadline_(clock.now() + budget.time) {}

bool SampleMemory::in_stack(std::uint64_t address, std::size_t size) const {
  const std::uint64_t low = sample_.registers.sp;
  const std::uint64_t offset = address - low;
  return address >= low && offset <= sample_.stack.size() && size <= sample_.stack.size() - offset;
}

bool SampleMemory::afford(std::size_t size) const {
  if (reads_ >= budget_.reads || size > budget_.bytes - bytes_ || clock_.now() >= deadline_) {
    exhausted_ = true;
    return false;
  }
  ++reads_;
  bytes_ += size;
  return true;
}

Result<void> SampleMemory::read(std::uint64_t address, std::span<std::byte> destination) const {
  if (in_stack(address, destination.size())) {
    std::memcpy(destination.data(), sample_.stack.data() + (address - sample_.registers.sp),
                destination.size());
    return {};
  }
  if (!afford(destination.size())) return Error{"the read budget of this capture is used up"};
  return target_.read(address, destination);
}

bool SampleMemory::read_many(std::span<const RemoteRead> pieces) const {
  std::array<RemoteRead, kMaxPieces> remote;
  std::size_t count = 0;
  std::size_t bytes = 0;
  if (pieces.size() > kMaxPieces) return false;
  for (const RemoteRead& piece : pieces) {
    if (in_stack(piece.address, piece.size)) {
      std::memcpy(piece.destination, sample_.stack.data() + (piece.address - sample_.registers.sp),
                  piece.size);
    } else {
      remote[count++] = piece;
      bytes += piece.size;
    }
  }
  if (count == 0) return true;
  return afford(bytes) && target_.read_many(std::span(remote).first(count));
}

std::size_t SampleMemory::read_some(std::uint64_t address, std::span<std::byte> destination) const {
  if (in_stack(address, destination.size())) {
    return read(address, destination) ? destination.size() : 0;
  }
  return afford(destination.size()) ? target_.read_some(address, destination) : 0;
}

}  // namespace loopscope
