#include "apps/loopscope/top/screen_display.h"

#include <unistd.h>

#include <utility>

namespace loopscope {
namespace {

constexpr char kCtrlL = '\x0C';

}  // namespace

ScreenDisplay::ScreenDisplay(std::unique_ptr<TerminalScreen> screen)
    : screen_(std::move(screen)), view_(screen_->charset()) {
  draw();
}

int ScreenDisplay::input() const { return STDIN_FILENO; }

bool ScreenDisplay::show(std::vector<TopRow> rows, std::chrono::system_clock::time_point) {
  view_.set_rows(std::move(rows));
  draw();
  return true;
}

bool ScreenDisplay::keys() {
  bool stay = true;
  while (const auto key = screen_->read_key()) {
    if (key->kind == KeyPress::Kind::kCharacter && key->character == kCtrlL) screen_->redraw_all();
    stay = stay && view_.press(*key);
  }
  if (stay) draw();
  return stay;
}

void ScreenDisplay::resized() {
  screen_->resize();
  draw();
}

void ScreenDisplay::suspend() {
  screen_->suspend();
  draw();
}

void ScreenDisplay::draw() { screen_->draw(view_.lines(screen_->width(), screen_->height())); }

}  // namespace loopscope
