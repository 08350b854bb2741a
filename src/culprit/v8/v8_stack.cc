#include "culprit/v8/v8_stack.h"

#include <memory>
#include <utility>

#include "culprit/v8/v8_layout.h"
#include "culprit/v8/v8_reader.h"

namespace loopscope {

Result<std::unique_ptr<V8Stack>> V8Stack::open(const LoadedImage& image, const std::string& version,
                                               const MemoryReader* memory, const MemoryMap* map) {
  auto layout = read_v8_layout(image, version, memory, map);
  if (!layout) return layout.error();
  return std::unique_ptr<V8Stack>(std::make_unique<V8Reader>(std::move(*layout), image));
}

}  // namespace loopscope
