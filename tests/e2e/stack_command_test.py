#!/usr/bin/env python3
"""`loopscope stack` looks at threads that were blocked before it came."""

import subprocess
import sys
import unittest

from harness import env
from harness.case import EndToEndCase

ASYNCIO = """
import asyncio, time
async def main():
    print("ready", flush=True)
    time.sleep(60)
asyncio.run(main())
"""
NODE = """
function endlessLoop() { for (;;) Math.sqrt(2); }
setTimeout(() => { console.log('ready'); setTimeout(endlessLoop, 5); }, 5);
"""


class StackCommandTest(EndToEndCase):
    def stack(self, pid):
        done = subprocess.run(
            [env.loopscope(), "stack", str(pid)],
            capture_output=True, text=True, timeout=60, check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def test_an_asyncio_loop_that_has_slept_since_before(self):
        target = self.spawn(sys.executable, "-c", ASYNCIO, name="asyncio")
        target.wait_line("^ready")
        code, out, said = self.stack(target.pid)
        self.assertEqual(code, 0, out + said)
        self.assertRegex(out, rf"^(main thread|loop main) \(tid {target.pid}\): asleep")
        self.assertIn("clock_nanosleep", out)

    def test_a_node_loop_that_has_computed_since_before(self):
        target = self.spawn(env.node("22"), "-e", NODE, name="node")
        target.wait_line("^ready")
        code, out, said = self.stack(target.pid)
        self.assertEqual(code, 0, out + said)
        self.assertRegex(out, rf"^(main thread|loop main) \(tid {target.pid}\): running")


if __name__ == "__main__":
    unittest.main(verbosity=2)
