#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "culprit/v8/v8_script_text.h"
#include "target/memory_reader.h"

namespace loopscope {

/// Compares the text of a process's scripts with the files they are named after, as the process
/// sees them: compilers that work while a program loads (tsx, ts-node, template engines) keep
/// the file's name and change its lines. Each script is compared once; a text longer than
/// kMaxUnits by its beginning. Not thread-safe.
class ScriptFiles {
 public:
  enum class Verdict : std::uint8_t {
    kUnknown,  ///< the file cannot be read, or is not the process's to read
    kSame,     ///< line n of the script is line n of the file
    kOther,    ///< lines of the script are none of the file
  };
  static constexpr std::size_t kMaxUnits = std::size_t{2} << 20;

  explicit ScriptFiles(int pid) : pid_(pid) {}

  /// `memory`: of the process, which runs on; `find`: where the text stands now.
  Verdict compare(const std::string& file, const std::function<std::optional<V8ScriptText>()>& find,
                  const MemoryReader& memory);
  void clear() { verdicts_.clear(); }

 private:
  static constexpr std::size_t kMaxScripts = 1024;
  using Key = std::tuple<std::string, std::int32_t, std::uint32_t>;

  Verdict compare_anew(const std::string& file,
                       const std::function<std::optional<V8ScriptText>()>& find,
                       const MemoryReader& memory) const;

  int pid_;
  std::map<Key, Verdict> verdicts_;  ///< by file, script id, length of the text
};

}  // namespace loopscope
