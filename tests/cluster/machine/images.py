"""The images of the trials: Debian's libraries, a Node of each version, and Loopscope."""

import os
import pathlib
import shutil
import subprocess
import tempfile

from . import archive, programs

REPO_DIR = pathlib.Path(__file__).resolve().parents[3]
FIXTURES = pathlib.Path(os.environ.get("LOOPSCOPE_FIXTURES") or REPO_DIR / "build" / "fixtures")
SOURCES = programs.HERE / "images"
IMAGES = programs.CACHE / "images"
VERSIONS = ("18", "20", "22", "24", "26")
LIBRARIES = ("busybox", "libc6", "libstdc++6", "libgcc-s1", "libatomic1", "zlib1g")
DEBIAN_NODE_SCRIPTS = ("node-acorn", "node-busboy", "node-cjs-module-lexer", "node-undici")
# Debian's busybox 1.35 crashes on `wget -T SECONDS`.
WGET = """\
#!/bin/sh
for word; do
  shift
  if [ "$skip" ]; then skip=; elif [ "$word" = -T ]; then skip=1; else set -- "$@" "$word"; fi
done
exec busybox wget "$@"
"""
USERS = "root:x:0:0::/:/bin/sh\nnode:x:1000:1000::/:/bin/sh\n"
GROUPS = "root:x:0:\nnode:x:1000:\n"


def extract_packages(directory, *packages):
    command = '. "$1"; shift; apt_extract "$@"'
    subprocess.run(
        ["bash", "-euc", command, "-", REPO_DIR / "tools" / "apt.sh", directory, *packages], check=True
    )


def write_base(directory):
    """What Node needs, and a shell."""
    extract_packages(directory, *LIBRARIES)
    shutil.rmtree(directory / "usr" / "share", ignore_errors=True)
    for name in ("app", "bin", "dev", "etc", "proc", "sys", "tmp"):
        (directory / name).mkdir(exist_ok=True)
    (directory / "tmp").chmod(0o1777)
    (directory / "etc" / "passwd").write_text(USERS)
    (directory / "etc" / "group").write_text(GROUPS)
    shutil.copy(SOURCES / "server.js", directory / "app")
    busybox = directory / "bin" / "busybox"
    applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True)
    for applet in applets.stdout.split():
        if applet not in ("busybox", "wget"):
            (directory / "bin" / applet).symlink_to("busybox")
    (directory / "bin" / "wget").write_text(WGET)
    (directory / "bin" / "wget").chmod(0o755)


def write_pause(work):
    """Process 1 of every pod."""
    directory = work / "pause"
    directory.mkdir()
    subprocess.run(
        ["gcc", "-O2", "-static", "-s", "-o", directory / "pause", SOURCES / "pause.c"], check=True
    )
    archive.write(IMAGES / "pause.tar", "localhost/pause:1", [directory], Entrypoint=["/pause"])


def write_node(work, base, version):
    directory = work / f"node{version}"
    binary = directory / "usr" / "local" / "bin"
    binary.mkdir(parents=True)
    shutil.copy(FIXTURES / "node" / version / "bin" / "node", binary / "node")
    archive.write(
        IMAGES / f"node{version}.tar", f"localhost/node:{version}", [base, directory],
        Cmd=["node", "/app/server.js"],
    )


def write_debian_node(work, base):
    """Debian's own build: the loop in libuv.so.1, the engine in libnode.so, and some of its
    JavaScript in packages of their own."""
    scripts = work / "scripts"
    extract_packages(scripts, *DEBIAN_NODE_SCRIPTS)
    archive.write(
        IMAGES / "nodedebian.tar", "localhost/node:debian",
        [base, FIXTURES / "node" / "debian" / "root", scripts], Cmd=["node", "/app/server.js"],
    )


def build():
    """Makes the archives that are not there yet."""
    stamp = IMAGES / "made-from"
    made_of = [pathlib.Path(__file__), *sorted(SOURCES.iterdir())]
    want = programs.recipe() + "".join(path.read_text() for path in made_of)
    if stamp.is_file() and stamp.read_text() == want:
        return
    IMAGES.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=IMAGES) as directory:
        work = pathlib.Path(directory)
        base = work / "base"
        base.mkdir()
        write_base(base)
        write_pause(work)
        archive.write(IMAGES / "busybox.tar", "localhost/busybox:1", [base], Cmd=["sh"])
        for version in VERSIONS:
            write_node(work, base, version)
        write_debian_node(work, base)
    stamp.write_text(want)
