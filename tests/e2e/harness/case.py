"""The base of every end-to-end test: children end with the test, their output shows on failure."""

import json
import shutil
import tempfile
import unittest
from pathlib import Path

from harness import env
from harness.child import Child
from harness.loopscope import Loopscope

_SHOWN_LINES = 40


class EndToEndCase(unittest.TestCase):
    def setUp(self):
        self._children = []
        self.addCleanup(self._end_children)

    def run(self, result=None):
        result = result if result is not None else self.defaultTestResult()
        before = len(result.failures) + len(result.errors)
        self._failed = lambda: len(result.failures) + len(result.errors) > before
        return super().run(result)

    def _end_children(self):
        for child in reversed(self._children):
            child.kill()

    def tearDown(self):
        if self._failed():
            self._show_output()

    def _show_output(self):
        for child in self._children:
            for stream in ("stdout", "stderr"):
                lines = child.lines(stream)
                if not lines:
                    continue
                print(f"--- {child.name} (pid {child.pid}) {stream}, last of {len(lines)} lines")
                print("\n".join(lines[-_SHOWN_LINES:]))

    def adopt(self, child):
        """Ties a child's life to this test."""
        self._children.append(child)
        return child

    def spawn(self, *argv, **options):
        return self.adopt(Child(argv, **options))

    def forget(self, children):
        """Drops children that have ended, for tests that start very many."""
        self._children = [child for child in self._children if child not in children]

    def node(self, variant, workload, *arguments, **options):
        """A Node workload that has printed that it is ready."""
        options.setdefault("name", f"node {variant} {workload}")
        child = self.spawn(
            env.node(variant), env.WORKLOADS / workload, *arguments, **options
        )
        child.wait_line("^ready")
        return child

    def called(self, workload, *, script=None, package=None):
        """A workload under a path that gives its process another name: a link called `script`,
        in the folder of a package called `package`.

        Node resolves the link before it loads the file: functions have the workload's own file.
        """
        folder = self.temporary_directory()
        if package is not None:
            text = json.dumps({"name": package}, ensure_ascii=False)
            (folder / "package.json").write_text(text, encoding="utf-8")
        link = folder / (script or workload)
        link.symlink_to(env.WORKLOADS / workload)
        return link

    def loopscope(self, *arguments, **options):
        return self.adopt(Loopscope(*arguments, **options))

    def temporary_directory(self):
        """A directory every account may enter, gone after the test."""
        path = Path(tempfile.mkdtemp(prefix="loopscope-e2e-"))
        path.chmod(0o755)
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path

    def public_copy(self, *paths):
        """Copies files and folders to where an unprivileged account may read them."""
        directory = self.temporary_directory()
        for path in map(Path, paths):
            if path.is_dir():
                shutil.copytree(path, directory / path.name)
            else:
                shutil.copy(path, directory / path.name)
                (directory / path.name).chmod(0o755)
        return directory

    def assert_close(self, actual, expected, what, relative=0.0, absolute=0.0):
        allowed = max(relative * abs(expected), absolute)
        self.assertLessEqual(
            abs(actual - expected),
            allowed,
            f"{what}: {actual:.6g}, expected {expected:.6g} within {allowed:.4g}",
        )
