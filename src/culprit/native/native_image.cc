#include "culprit/native/native_image.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "culprit/native/frame_size.h"
#include "culprit/native/symbol_name.h"

namespace loopscope {
namespace {

constexpr std::uint64_t kMaxPrologue = 256;  // bytes

}  // namespace

NativeImage::NativeImage(LoadedImage image, std::string base_name)
    : image_(std::move(image)),
      base_name_(std::move(base_name)),
      role_(role_of_image(image_.path)),
      eh_frame_(*image_.elf) {}

bool NativeImage::learn(std::span<const std::uint64_t> addresses) {
  std::vector<std::uint64_t> unknown;
  for (const std::uint64_t address : addresses) {
    if (find(address) == nullptr) unknown.push_back(image_.to_vaddr(address));
  }
  if (unknown.empty()) return false;
  if (functions_.size() + unknown.size() > kMaxFunctions) {
    functions_.clear();
    unknown.clear();
    for (const std::uint64_t address : addresses) unknown.push_back(image_.to_vaddr(address));
  }
  const auto symbols = image_.elf->functions_at(unknown);
  for (std::size_t i = 0; i < unknown.size(); ++i) {
    Function function;
    std::uint64_t begin = unknown[i];
    function.end = begin + 1;
    function.role = role_;
    if (symbols[i]) {
      begin = symbols[i]->address;
      function.end = begin + std::max<std::uint64_t>(symbols[i]->size, 1);
      function.name = readable_symbol(symbols[i]->name);
      // uv_run stays what it is in libuv.so, and an interpreter in an engine.
      const NativeRole role = role_of_function(function.name);
      if (role != NativeRole::kProgram) function.role = role;
    }
    functions_.insert_or_assign(begin, std::move(function));
  }
  return true;
}

const NativeImage::Function* NativeImage::find(std::uint64_t address) const {
  const std::uint64_t vaddr = image_.to_vaddr(address);
  const auto after = functions_.upper_bound(vaddr);
  if (after == functions_.begin()) return nullptr;
  const Function& function = std::prev(after)->second;
  return vaddr < function.end ? &function : nullptr;
}

std::optional<CfiRow> NativeImage::row_at(std::uint64_t address) const {
  return eh_frame_.row_at(*image_.elf, image_.to_vaddr(address));
}

std::optional<std::uint64_t> NativeImage::frame_size(const CfiRow& row,
                                                     std::uint64_t address) const {
  const std::uint64_t vaddr = image_.to_vaddr(address);
  if (vaddr <= row.function_begin) return std::nullopt;
  std::vector<std::byte> code(std::min(vaddr - row.function_begin, kMaxPrologue));
  code.resize(image_.elf->read_some_at_vaddr(row.function_begin, code));
  return frame_size_by_prologue(code, row.function_begin);
}

}  // namespace loopscope
