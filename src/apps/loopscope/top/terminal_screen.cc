#include "apps/loopscope/top/terminal_screen.h"

#define NCURSES_NOMACROS  // move(), clear(), erase() are names of other things as well
#include <curses.h>
#include <locale.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <clocale>
#include <cstdlib>
#include <string>
#include <string_view>

namespace loopscope {
namespace {

/// How long an Escape waits for the rest of a key's sequence, in milliseconds.
constexpr int kEscapeDelay = 25;

struct Look {
  attr_t attributes;  ///< on any terminal
  short colour;       ///< foreground where there are colours; -1: the terminal's own
};

/// In the order of TextStyle. Phases have letters, so theirs need colours alone.
constexpr std::array kLooks = {
    Look{A_NORMAL, -1},                   // kPlain
    Look{A_BOLD, -1},                     // kTitle
    Look{A_REVERSE, -1},                  // kHeader
    Look{A_DIM, -1},                      // kDim
    Look{A_BOLD, COLOR_YELLOW},           // kWarning
    Look{A_BOLD | A_REVERSE, COLOR_RED},  // kAlarm
    Look{A_NORMAL, COLOR_BLUE},           // kTimers
    Look{A_NORMAL, COLOR_MAGENTA},        // kPending
    Look{A_NORMAL, COLOR_CYAN},           // kIdlePrepare
    Look{A_DIM, -1},                      // kPollWait
    Look{A_NORMAL, COLOR_GREEN},          // kPoll
    Look{A_NORMAL, COLOR_YELLOW},         // kCheck
    Look{A_NORMAL, COLOR_RED},            // kClosing
    Look{A_NORMAL, -1},                   // kUnknown
};

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets any
  return value == nullptr ? "" : value;
}

/// https://no-color.org: present and not empty.
bool wants_colours() { return environment("NO_COLOR").empty(); }

struct KeySequence {
  const char* bytes;
  int code;
};
/// What terminals send although their descriptions say something else (tmux, PuTTY).
constexpr std::array kMoreSequences = {
    KeySequence{"\x1b[A", KEY_UP},     KeySequence{"\x1b[B", KEY_DOWN},
    KeySequence{"\x1b[H", KEY_HOME},   KeySequence{"\x1b[F", KEY_END},
    KeySequence{"\x1bOH", KEY_HOME},   KeySequence{"\x1bOF", KEY_END},
    KeySequence{"\x1b[1~", KEY_HOME},  KeySequence{"\x1b[4~", KEY_END},
    KeySequence{"\x1b[7~", KEY_HOME},  KeySequence{"\x1b[8~", KEY_END},
    KeySequence{"\x1b[5~", KEY_PPAGE}, KeySequence{"\x1b[6~", KEY_NPAGE},
};

KeyPress to_key(int code) {
  switch (code) {
    case KEY_UP:
      return {KeyPress::Kind::kUp};
    case KEY_DOWN:
      return {KeyPress::Kind::kDown};
    case KEY_PPAGE:
      return {KeyPress::Kind::kPageUp};
    case KEY_NPAGE:
      return {KeyPress::Kind::kPageDown};
    case KEY_HOME:
      return {KeyPress::Kind::kHome};
    case KEY_END:
      return {KeyPress::Kind::kEnd};
    default:
      if (code < 0 || code > 0x7F) return {};
      return {KeyPress::Kind::kCharacter, static_cast<char>(code)};
  }
}

}  // namespace

/// The library and the locale it works in, from beginning to end.
struct TerminalScreen::Ncurses {
  Ncurses() : locale(::newlocale(LC_CTYPE_MASK, "", nullptr)) {
    // Patterns of process names mean the same in any locale, so this is for this thread
    // alone. But newterm() asks for the locale of the process to see what characters are.
    if (locale != nullptr) ::uselocale(locale);
    std::setlocale(LC_CTYPE, "");  // NOLINT(concurrency-mt-unsafe): no other thread yet
    screen = ::newterm(nullptr, stdout, stdin);
    std::setlocale(LC_CTYPE, "C");  // NOLINT(concurrency-mt-unsafe)
  }
  ~Ncurses() {
    if (screen != nullptr) {
      ::endwin();
      ::delscreen(screen);
    }
    ::uselocale(LC_GLOBAL_LOCALE);
    if (locale != nullptr) ::freelocale(locale);
  }
  Ncurses(const Ncurses&) = delete;
  Ncurses& operator=(const Ncurses&) = delete;

  locale_t locale;
  SCREEN* screen = nullptr;
  bool colours = false;
};

bool TerminalScreen::possible() {
  const std::string_view term = environment("TERM");
  return !term.empty() && term != "dumb" && ::isatty(STDIN_FILENO) == 1 &&
         ::isatty(STDOUT_FILENO) == 1;
}

Result<std::unique_ptr<TerminalScreen>> TerminalScreen::open() {
  auto ncurses = std::make_unique<Ncurses>();
  if (ncurses->screen == nullptr) {
    return Error{"no description of TERM=" + std::string(environment("TERM")) +
                 " on this machine (Debian: package ncurses-term)"};
  }
  ::set_escdelay(kEscapeDelay);
  ::cbreak();
  ::noecho();
  ::nonl();
  ::keypad(stdscr, TRUE);
  for (const KeySequence& key : kMoreSequences) ::define_key(key.bytes, key.code);
  ::nodelay(stdscr, TRUE);
  ::curs_set(0);
  if (wants_colours() && ::has_colors() && ::start_color() == OK && ::use_default_colors() == OK) {
    ncurses->colours = true;
    for (std::size_t i = 0; i < kLooks.size(); ++i) {
      ::init_pair(static_cast<short>(i + 1), kLooks[i].colour, -1);
    }
  }
  return std::unique_ptr<TerminalScreen>(
      new TerminalScreen(std::move(ncurses), charset_of_environment()));
}

TerminalScreen::TerminalScreen(std::unique_ptr<Ncurses> ncurses, Charset charset)
    : ncurses_(std::move(ncurses)), charset_(charset) {}

TerminalScreen::~TerminalScreen() = default;

std::size_t TerminalScreen::width() const {
  return static_cast<std::size_t>(std::max(::getmaxx(stdscr), 0));
}

std::size_t TerminalScreen::height() const {
  return static_cast<std::size_t>(std::max(::getmaxy(stdscr), 0));
}

void TerminalScreen::draw(const std::vector<ScreenLine>& lines) {
  ::erase();
  for (std::size_t y = 0; y < std::min(lines.size(), height()); ++y) {
    ::move(static_cast<int>(y), 0);
    for (const StyledText& piece : lines[y]) {
      const auto style = static_cast<std::size_t>(piece.style);
      const auto pair = static_cast<short>(ncurses_->colours ? style + 1 : 0);
      ::attr_set(kLooks[style].attributes, pair, nullptr);
      ::addnstr(piece.text.data(), static_cast<int>(piece.text.size()));
    }
  }
  ::refresh();
}

void TerminalScreen::redraw_all() { ::clearok(stdscr, TRUE); }

std::optional<KeyPress> TerminalScreen::read_key() {
  const int code = ::getch();
  if (code == ERR) return std::nullopt;
  return to_key(code);
}

void TerminalScreen::resize() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return;
  if (size.ws_row > 0 && size.ws_col > 0) ::resizeterm(size.ws_row, size.ws_col);
  redraw_all();
}

void TerminalScreen::suspend() {
  ::endwin();
  ::kill(::getpid(), SIGSTOP);
  resize();  // it may have changed meanwhile
}

}  // namespace loopscope
