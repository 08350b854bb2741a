#!/usr/bin/env python3
"""What is measured and said where the system refuses something, or nothing is there."""

import errno
import json
import os
import platform
import re
import resource
import subprocess
import time
import unittest
from pathlib import Path

from harness import env
from harness.build import compile_program
from harness.case import EndToEndCase
from harness.stalls import LoopFigures, growth
from harness.polling import wait_until

NODE = "22"
COUNT = 5
PROCESS_VM_READV = {"x86_64": 310, "aarch64": 270}


class RefusalsTest(EndToEndCase):
    # --- process_vm_readv, by a container's system call filter -------------------------------

    def without_readv(self, error=errno.EPERM):
        program = compile_program(self.temporary_directory(), "refuse_call.c")
        return [program, error, PROCESS_VM_READV[platform.machine()]]

    def test_memory_is_read_where_process_vm_readv_is_refused(self):
        target = self.node(NODE, "phase_stalls.js")
        loopscope = self.loopscope("--pid", target.pid, starter=self.without_readv())
        loopscope.wait_for_loop(target.pid, source="uv_stack")
        before = LoopFigures(loopscope.scrape(), target.pid)
        truth = json.loads(target.ask(f"go {COUNT} 1").group(0))
        expected = {phase: entry["count"] for phase, entry in truth.items()}

        def counted():
            return growth(before.stalls, LoopFigures(loopscope.scrape(), target.pid).stalls)

        wait_until(lambda: sum(counted().values()) >= COUNT, 5, "stalls")
        self.assertEqual(counted(), expected)
        stalls = loopscope.json("/api/v1/stalls")
        self.assertTrue(any(stall["function"] for stall in stalls), stalls)

    def test_memory_that_no_way_leads_to_is_a_failure(self):
        target = self.node(NODE, "phase_stalls.js")
        closed = self.temporary_directory() / "closed"
        closed.touch(mode=0)
        os.chown(closed, env.UNPRIVILEGED_UID, env.UNPRIVILEGED_UID)
        # The file is what it would be to one who may not open it.
        cover = 'mount --bind "$1" "/proc/$2/mem"; shift 2; exec "$@"'
        loopscope = self.loopscope("--pid", target.pid, starter=[
            env.tool("unshare"), "--mount", "sh", "-c", cover, "sh", closed, target.pid,
            env.tool("setpriv"), "--bounding-set", "-all,+sys_ptrace", "--inh-caps", "-all",
            *self.without_readv(),
        ])
        reason = "uv_stack: cannot read memory .*not permitted; .*seccomp"
        loopscope.wait_line(reason, stream="stderr")
        metrics = loopscope.scrape()
        self.assertEqual(metrics.value("loopscope_source_success", source="uv_stack"), 0)
        self.assertEqual(metrics.value("loopscope_source_permitted", source="uv_stack"), 1)
        self.assertEqual(metrics.samples("eventloop_info", source="uv_stack"), [])

    def test_doctor_says_how_memory_is_read(self):
        for starter, right in ((self.without_readv(errno.ENOSYS), r"/proc/PID/mem: .*seccomp"),
                               ([], "process_vm_readv")):
            command = [*starter, env.loopscope(), "doctor", "--pid", "1"]
            doctor = subprocess.run(
                [str(part) for part in command], capture_output=True, text=True, timeout=30
            )
            self.assertRegex(doctor.stdout, rf"memory +read by {right}")

    # --- descriptors of Loopscope's own ------------------------------------------------------

    def test_descriptors_that_run_out_end_no_target(self):
        target = self.node(NODE, "phase_stalls.js")
        loopscope = self.loopscope("--pid", target.pid)
        loopscope.wait_for_loop(target.pid)
        # None but those that are open.
        last = max(int(entry.name) for entry in Path(f"/proc/{loopscope.pid}/fd").iterdir())
        usual = resource.prlimit(loopscope.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(loopscope.pid, resource.RLIMIT_NOFILE, (last + 1, usual[1]))
        loopscope.wait_line("discovery: .*Too many open files.*limit", stream="stderr")
        time.sleep(3)  # passes of discovery
        metrics = loopscope.scrape()
        self.assertEqual(metrics.value("loopscope_targets"), 1)
        self.assertEqual(metrics.value("loopscope_source_success", source="discovery"), 0)
        self.assertEqual(len(loopscope.loops(target.pid)), 1)
        resource.prlimit(loopscope.pid, resource.RLIMIT_NOFILE, usual)
        loopscope.wait_metrics(
            lambda m: m.value("loopscope_source_success", source="discovery") == 1, 10, "recovery"
        )
        said = [line for line in loopscope.lines("stderr") if re.search("target (found|gone)", line)]
        self.assertEqual(len(said), 1, said)

    # --- nothing there -----------------------------------------------------------------------

    def test_what_is_missing_is_named(self):
        loopscope = self.loopscope("--name", "^no such program$")
        loopscope.wait_line('discovery: no process matches the name "\\^no such program\\$"',
                            stream="stderr")
        self.assertNotRegex(loopscope.text(), r"pid 0\b")


if __name__ == "__main__":
    unittest.main(verbosity=2)
