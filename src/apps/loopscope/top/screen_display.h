#pragma once

#include <memory>

#include "apps/loopscope/top/terminal_screen.h"
#include "apps/loopscope/top/top_display.h"
#include "apps/loopscope/top/top_view.h"

namespace loopscope {

/// `loopscope top` on a whole terminal: TopView drawn on a TerminalScreen.
class ScreenDisplay final : public TopDisplay {
 public:
  explicit ScreenDisplay(std::unique_ptr<TerminalScreen> screen);

  int input() const override;
  bool show(std::vector<TopRow> rows, std::chrono::system_clock::time_point at) override;
  bool keys() override;
  void resized() override;
  void suspend() override;

 private:
  void draw();

  std::unique_ptr<TerminalScreen> screen_;
  TopView view_;
};

}  // namespace loopscope
