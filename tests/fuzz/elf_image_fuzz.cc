#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "target/elf_image.h"

// Any file is either refused with a reason, or every question to it gets an answer.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  loopscope::UniqueFd file(::memfd_create("elf", MFD_CLOEXEC));
  if (!file.valid() || ::write(file.get(), data, size) != static_cast<ssize_t>(size)) return 0;
  const auto image = loopscope::ElfImage::open(std::move(file), "fuzz");
  if (!image) {
    if (image.error().message.empty()) std::abort();
    return 0;
  }
  const std::string_view names[] = {"uv_run", "marker", ""};
  image->find_symbols(names);
  image->find_bytes(".rodata", "node.js/v");
  for (const auto& segment : image->segments()) {
    const std::uint64_t places[] = {segment.address, segment.address + segment.file_size,
                                    segment.address + 16};
    image->functions_at(places);
    image->got_slot_names(places);
    if (image->functions_in(segment.address, segment.address + 4096, 10).size() > 10) std::abort();
    const auto bytes = image->read_at_vaddr(segment.address, 64);
    if (bytes && bytes->size() != 64) std::abort();
  }
  return 0;
}
