#pragma once

#include <optional>

#include "apps/loopscope/run_options.h"
#include "base/bcrypt_hash.h"
#include "base/result.h"
#include "config/config.h"
#include "config/file_watch.h"

namespace loopscope {

/// All that `loopscope run` is told by files and flags.
struct Settings {
  Config config;
  UserHashes users;     ///< who may ask; none: everybody
  bool closed = false;  ///< nobody may ask: the file with the users is still to come
};

/// Reads the settings, at the start and by a reload, and watches the files they come from.
class SettingsReader {
 public:
  explicit SettingsReader(RunOptions options);

  /// Error: what the user has to mend. What was read before holds on then.
  Result<Settings> read();
  /// Whether a file that read() reads has changed since; to be called now and then.
  bool have_changed();

 private:
  const RunOptions options_;
  std::optional<FileWatch> config_file_;
  std::optional<FileWatch> web_config_file_;
  bool had_users_ = false;
};

}  // namespace loopscope
