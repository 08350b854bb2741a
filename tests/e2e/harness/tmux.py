"""A terminal of its own for one program, by tmux, which says what would be seen on it."""

import itertools
import os
import shlex
import subprocess

from harness import env
from harness.polling import wait_until

_NUMBERS = itertools.count(1)

# What the shell in the terminal does: the program's pid, its exit code and the terminal's
# modes before and after it land in files.
_SCRIPT = """\
trap : INT TERM TSTP
stty -g >before
sh -c 'echo $$ >pid.new; mv pid.new pid; exec "$@"' sh {command}
echo $? >status
stty -g >after.new
mv after.new after
read _
"""


class Tmux:
    """Runs `command` in a detached session of a server of its own. `close()` ends it all."""

    def __init__(self, command, directory, columns=140, rows=24, term="xterm-256color",
                 environment=None):
        self._directory = directory
        self._socket = f"loopscope-e2e-{os.getpid()}-{next(_NUMBERS)}"
        self._environment = {
            **{k: v for k, v in os.environ.items() if k not in ("TMUX", "NO_COLOR")},
            "LC_ALL": "C.UTF-8",
            "TMUX_TMPDIR": str(directory),
            **(environment or {}),
        }
        config = directory / "tmux.conf"
        config.write_text(
            f'set -g default-terminal "{term}"\n'
            "set -g status off\nset -s escape-time 0\n"
        )
        script = directory / "session.sh"
        script.write_text(_SCRIPT.format(command=shlex.join(str(word) for word in command)))
        self._run("-f", config, "new-session", "-d", "-x", columns, "-y", rows,
                  "-c", directory, f"exec sh {shlex.quote(str(script))}")

    def _run(self, *arguments):
        done = subprocess.run(
            [env.tool("tmux"), "-u", "-L", self._socket, *map(str, arguments)],
            env=self._environment, capture_output=True, timeout=20, check=False,
        )
        if done.returncode != 0:
            raise AssertionError(f"tmux {arguments}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode("utf-8", "replace")

    def screen(self):
        """The lines now visible, without colours, without blanks at their ends."""
        return [line.rstrip() for line in self._run("capture-pane", "-p").split("\n")[:-1]]

    def raw_screen(self):
        """The same with the escape sequences that colour it."""
        return self._run("capture-pane", "-p", "-e")

    def shows(self, condition, what, timeout=20):
        """Waits until `condition` holds for the lines of the screen, and returns them."""
        last = []

        def check():
            last[:] = self.screen()
            return list(last) if condition(last) else None

        try:
            return wait_until(check, timeout, what, interval=0.1)
        except AssertionError as error:
            raise AssertionError("\n".join([str(error), *last])) from None

    def type(self, *keys):
        self._run("send-keys", *keys)

    def resize(self, columns, rows):
        self._run("resize-window", "-x", columns, "-y", rows)

    def state(self, name):
        """A format variable of tmux: "alternate_on", "cursor_flag", "pane_title"..."""
        return self._run("display-message", "-p", f"#{{{name}}}").rstrip("\n")

    def _file(self, name, timeout=20):
        path = self._directory / name
        wait_until(path.exists, timeout, f"file {name} of the session")
        return path.read_text().strip()

    def pid(self):
        return int(self._file("pid"))

    def exit_code(self):
        """Waits for the program's end."""
        self._file("after")
        return int(self._file("status"))

    def modes(self):
        """What `stty -g` said before the program, and after its end."""
        return self._file("before"), self._file("after")

    def close(self):
        subprocess.run(
            [env.tool("tmux"), "-L", self._socket, "kill-server"],
            env=self._environment, capture_output=True, timeout=20, check=False,
        )
