#pragma once

#include <memory>

#include "culprit/v8/v8_layout.h"
#include "culprit/v8/v8_stack.h"
#include "target/loaded_image.h"

namespace loopscope {

/// The reader of a known layout. V8Stack::open() reads the layout from the image; tests make
/// one up (image.elf may be null then: no builtins are mapped a second time).
std::unique_ptr<V8Stack> make_v8_reader(V8Layout layout, LoadedImage image);

}  // namespace loopscope
