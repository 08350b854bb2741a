"""A pod without a cluster: containers that share namespaces, started as a runtime does."""

import subprocess
import sys
from pathlib import Path

from harness import env, image, procfs
from harness.build import compile_program
from harness.loopscope import Loopscope
from harness.namespaces import client_inside
from harness.seccomp import write_default_filter

LOOPSCOPE_UID = 65532  # as in the image
LOOPSCOPE = "/usr/bin/loopscope"
TARGET_UID = 1234
NODE = "22"
_BITS = {"CAP_DAC_OVERRIDE": 1, "CAP_DAC_READ_SEARCH": 2, "CAP_SYS_PTRACE": 19,
         "CAP_SYS_ADMIN": 21}


class Tools:
    """What every pod of a test needs, made once."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.container = compile_program(directory, "container.c")
        self.image = image.build("root", self.directory / "image")

    def filter(self, capabilities):
        name = "-".join(["filter", *sorted(capabilities)])
        path = self.directory / name
        if not path.exists():
            write_default_filter(path, set(capabilities))
        return path


class Pod:
    def __init__(self, case, tools):
        self._case, self._tools = case, tools
        sandbox = case.spawn(
            env.tool("unshare"), "--pid", "--net", "--fork", "--kill-child",
            sys.executable, env.WORKLOADS / "pod_sandbox.py", name="pod",
        )
        sandbox.wait_line("^ready")
        (self.sandbox,) = procfs.children(sandbox.pid)

    def starter(
        self, root, uid, *options, capabilities=(), no_new_privs=True, forget_permitted=False,
        host_pid=False,
    ):
        """The command line that starts what follows it in a container of this pod."""
        flags = ["--no-new-privs"] * no_new_privs + ["--forget-permitted"] * forget_permitted
        return [
            env.tool("nsenter"), "--target", self.sandbox, "--net",
            *([] if host_pid else ["--pid"]), "--",
            self._tools.container, "--root", root, *options, "--uid", uid,
            "--caps", hex(sum(1 << _BITS[name] for name in capabilities)),
            "--seccomp", self._tools.filter(capabilities), *flags, "--",
        ]

    def node(self, workload, title, variant=NODE):
        """A Node workload on an overlay of its own, as in an image; its pid in the pod."""
        root = self._case.temporary_directory()
        for place in ("proc", "usr", "bin", "workloads"):
            (root / place).mkdir()
        for place in ("lib", "lib64"):
            (root / place).symlink_to(f"usr/{place}")
        (root / "bin" / "sh").symlink_to("../usr/bin/sh")
        program = self.starter(
            root, TARGET_UID, "--lower", env.node(variant).parent.parent, "--bind", "/usr:/usr",
            "--bind", f"{env.WORKLOADS}:/workloads",
        )
        environment = {"PATH": "/bin:/usr/bin"}
        target = self._case.spawn(
            *program, "/bin/node", f"--title={title}", f"/workloads/{workload}", name=title,
            env=environment,
        )
        target.wait_line("^ready")
        (host_pid,) = procfs.children(target.pid)
        return target, procfs.inner_pid(host_pid), host_pid

    def server(self):
        """`loopscope-server` from the image on an overlay; its pid in the pod, and a client."""
        above = self._case.temporary_directory()
        program = self.starter(self._tools.image, TARGET_UID, "--lower", above)
        server = self._case.spawn(
            *program, "/usr/bin/loopscope-server", "--listen", "127.0.0.1:0",
            "--metrics-listen", "127.0.0.1:0", name="loopscope-server",
        )
        port = server.wait_line(r"^(?!.*metrics).*http://127\.0\.0\.1:(\d+)", "stderr").group(1)
        (host_pid,) = procfs.children(server.pid)
        return procfs.inner_pid(host_pid), client_inside(self.sandbox)("127.0.0.1", int(port))

    def loopscope(self, *arguments, uid=LOOPSCOPE_UID, **container):
        """`loopscope run` as the image has it, read-only."""
        return self._case.adopt(Loopscope(
            *arguments,
            starter=self.starter(self._tools.image, uid, "--read-only", **container),
            binary=LOOPSCOPE,
            client=client_inside(self.sandbox),
        ))

    def doctor(self, *arguments, uid=LOOPSCOPE_UID, **container):
        starter = self.starter(self._tools.image, uid, "--read-only", **container)
        answer = subprocess.run(
            [str(part) for part in (*starter, LOOPSCOPE, "doctor", *arguments)],
            capture_output=True, text=True, timeout=30,
        )
        return answer.stdout + answer.stderr
