"""Control groups of the tests' own, in whichever hierarchy this machine has a controller."""

import errno
import os
from pathlib import Path

from harness.polling import wait_until


def _hierarchies():
    """(mount point, is it version 2, its options) of each mounted hierarchy."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        mount, _, superblock = line.partition(" - ")
        kind, _, options = superblock.split(" ", 2)
        if kind in ("cgroup", "cgroup2"):
            yield Path(mount.split(" ")[4]), kind == "cgroup2", options.split(",")


def freezer_versions():
    """The cgroup versions in which a process can be frozen here."""
    return sorted({2 if version2 else 1 for _, version2 in _places("freezer")})


def _places(controller):
    """(mount point, is it version 2) of each hierarchy that has the controller."""
    for path, version2, options in _hierarchies():
        if not version2:
            offered = controller in options
        elif controller == "freezer":
            offered = True  # a part of every group below the root
        else:
            offered = controller in (path / "cgroup.controllers").read_text().split()
        if offered:
            yield path, version2


def _removed(group):
    try:
        os.rmdir(group)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        return False
    return True


class GroupTree:
    """Groups of any depth below one of its own, without limits; remove() ends them all."""

    def __init__(self, version):
        (parent, *_) = [path for path, version2 in _places("freezer") if version2 == (version == 2)]
        self.root = parent / f"loopscope-e2e-{os.getpid()}-{id(self)}"
        self.root.mkdir()

    def make(self, path):
        """The directory of a new group, with those above it."""
        group = self.root / path
        group.mkdir(parents=True)
        return group

    def remove(self):
        """Their processes must have ended; they leave version 2's a moment after their end."""
        for group, _, _ in os.walk(self.root, topdown=False):
            wait_until(lambda path=group: _removed(path), 10, f"end of group {group}")


class ControlGroup:
    """One new group directly below the mount point of a hierarchy; remove() ends it."""

    def __init__(self, controller, version=None):
        places = [
            place
            for place in _places(controller)
            if version is None or place[1] == (version == 2)
        ]
        assert places, f"no cgroup hierarchy with {controller} is mounted"
        parent, self.version2 = places[0]
        if self.version2 and controller != "freezer":
            (parent / "cgroup.subtree_control").write_text(f"+{controller}")
        self.path = parent / f"loopscope-e2e-{os.getpid()}-{id(self)}"
        self.path.mkdir()

    def add(self, pid):
        (self.path / "cgroup.procs").write_text(str(pid))

    def limit_cpu(self, quota_us, period_us):
        if self.version2:
            (self.path / "cpu.max").write_text(f"{quota_us} {period_us}")
        else:
            (self.path / "cpu.cfs_period_us").write_text(str(period_us))
            (self.path / "cpu.cfs_quota_us").write_text(str(quota_us))

    def freeze(self):
        if self.version2:
            (self.path / "cgroup.freeze").write_text("1")
        else:
            (self.path / "freezer.state").write_text("FROZEN")
        wait_until(self._frozen, 10, "frozen group", 0.001)

    def thaw(self):
        if self.version2:
            (self.path / "cgroup.freeze").write_text("0")
        else:
            (self.path / "freezer.state").write_text("THAWED")

    def _frozen(self):
        if self.version2:
            return "frozen 1" in (self.path / "cgroup.events").read_text()
        return (self.path / "freezer.state").read_text().strip() == "FROZEN"

    def remove(self):
        """Ends the group. Its processes must have ended."""
        wait_until(lambda: not self._processes(), 10, "empty group")
        self.path.rmdir()

    def _processes(self):
        return (self.path / "cgroup.procs").read_text().split()
