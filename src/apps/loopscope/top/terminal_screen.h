#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "apps/loopscope/top/key_press.h"
#include "apps/loopscope/top/styled_text.h"
#include "base/result.h"
#include "base/terminal_text.h"

namespace loopscope {

/// The whole terminal on standard input and output, by ncurses; as it was before once this
/// is destroyed. One at a time, all from one thread, whose character set is the user's
/// locale's from then on. Signals of the terminal (SIGWINCH, SIGTSTP, SIGINT) are the
/// caller's to block and answer.
class TerminalScreen {
 public:
  /// Whether standard input and output are a terminal and TERM promises more than lines.
  static bool possible();
  /// Error: TERM is not known here, with its name.
  static Result<std::unique_ptr<TerminalScreen>> open();
  ~TerminalScreen();
  TerminalScreen(const TerminalScreen&) = delete;
  TerminalScreen& operator=(const TerminalScreen&) = delete;

  std::size_t width() const;
  std::size_t height() const;
  Charset charset() const { return charset_; }

  void draw(const std::vector<ScreenLine>& lines);
  /// Sends everything anew with the next draw(), over what others wrote to the terminal.
  void redraw_all();
  /// The next key pressed, without waiting; none: no more.
  std::optional<KeyPress> read_key();
  /// Takes the terminal's present size.
  void resize();
  /// Gives the terminal back, stops the process, and takes it again once it goes on.
  void suspend();

 private:
  struct Ncurses;
  explicit TerminalScreen(std::unique_ptr<Ncurses> ncurses, Charset charset);

  std::unique_ptr<Ncurses> ncurses_;
  const Charset charset_;
};

}  // namespace loopscope
