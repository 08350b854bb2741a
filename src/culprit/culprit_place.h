#pragma once

#include <string>
#include <string_view>

#include "core/culprit_key.h"
#include "culprit/resolved_stack.h"

namespace loopscope {

/// The package of node_modules that a file belongs to: "lodash", "@babel/core"; of nested ones
/// the innermost. Empty: to none.
std::string_view package_of(std::string_view file);

/// The frame of `stack` that it blames; nullptr if it has none such (or blames nobody).
const StackFrame* blamed_frame(const ResolvedStack& stack);

/// Under whom the time of a stack is counted: the application's own function (the innermost
/// JavaScript frame outside of node_modules and of the runtime, from the blamed frame
/// outwards; where there is none, the blamed one), where it begins, and the package that
/// the blamed frame is in. The line that ran has no part in it: a function has many.
CulpritKey culprit_key_of(const ResolvedStack& stack);

}  // namespace loopscope
