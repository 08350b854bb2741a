#pragma once

#include <atomic>
#include <mutex>

#include "apps/loopscope/settings.h"
#include "base/result.h"
#include "engine/watcher.h"
#include "export/basic_auth.h"
#include "export/series_options.h"

namespace loopscope {

/// Applies the settings: those of the start, and what has become of them by a reload. Thread-safe.
class Reloader {
 public:
  /// All must outlive this; `reader` is used by nobody else any more.
  Reloader(SettingsReader& reader, const Settings& settings, Watcher& watcher, BasicAuth& auth);

  /// Reads everything anew and applies it. Error, which is in the log as well: nothing changes.
  Result<void> reload();
  /// Reloads if a file has changed; to be called every few seconds.
  void look_at_files();

  /// Does not wait for a reload under way, as scrapes must not.
  SeriesOptions series_options() const { return series_; }

 private:
  void admit(const Settings& settings);

  std::mutex mutex_;
  SettingsReader& reader_;
  Config config_;
  bool closed_ = false;
  Watcher& watcher_;
  BasicAuth& auth_;
  std::atomic<SeriesOptions> series_;
};

}  // namespace loopscope
