#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace loopscope {

/// The strings and whole numbers (as text) among the outermost object's members called `names`,
/// by name; of several of one name the first. Reads no further than it must; of a text that is
/// broken it has what stands before the break.
std::map<std::string, std::string> json_members(std::string_view json,
                                                const std::set<std::string, std::less<>>& names);

}  // namespace loopscope
