#pragma once

namespace loopscope {

/// Allows this process as many descriptors as it may have (at most 65,536): a watched loop takes
/// some five, a process whose stacks were taken twenty, more than the usual soft limit of 1024
/// allows for a hundred of them. Programs started afterwards inherit it, and ones that still use
/// select() rely on the soft limit: start them before.
void allow_many_files();

}  // namespace loopscope
