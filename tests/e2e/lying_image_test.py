#!/usr/bin/env python3
"""Targets whose program file is truncated, forged or gone: skipped with a reason, never a crash."""

import json
import os
import shutil
import struct
import unittest

from harness import env
from harness.case import EndToEndCase
from harness.http_client import HttpClient
from harness.polling import wait_until
from harness.stalls import LoopFigures, growth

NODE = "22"
ELF_SECTION_OFFSET_AT = 40  # e_shoff in an ELF64 header
ELF_SECTION_COUNT_AT = 60  # e_shnum; e_shstrndx follows


def truncated(data):
    return data[: len(data) // 3]


def header_only(data):
    return data[:64]


def section_table_beyond_the_end(data):
    forged = bytearray(data)
    struct.pack_into("<Q", forged, ELF_SECTION_OFFSET_AT, 2**63)
    struct.pack_into("<HH", forged, ELF_SECTION_COUNT_AT, 0xFFFF, 0xFFFE)
    return bytes(forged)


def section_table_overwritten(data):
    forged = bytearray(data)
    offset = struct.unpack_from("<Q", data, ELF_SECTION_OFFSET_AT)[0]
    forged[offset:] = b"\xff" * (len(forged) - offset)
    return bytes(forged)


def program_headers_overwritten(data):
    return data[:64] + b"\xa5" * 4096 + data[4160:]


def empty(_data):
    return b""


def not_elf(_data):
    return b"#!/bin/sh\necho I am not what you think\n"


REPLACEMENTS = (
    truncated,
    header_only,
    section_table_beyond_the_end,
    section_table_overwritten,
    program_headers_overwritten,
    empty,
    not_elf,
)


class LyingImageTest(EndToEndCase):
    def copy_of_node(self):
        path = self.temporary_directory() / "node"
        shutil.copy(env.node(NODE), path)
        return path

    def start(self, node):
        target = self.spawn(node, env.WORKLOADS / "article_server.js")
        target.wait_line("^ready")
        return target

    def assert_survives(self, target, what):
        """The target shows somehow, or is skipped with a reason; the exporter goes on."""
        loopscope = self.loopscope("--pid", target.pid)

        def decided():
            metrics = loopscope.scrape()
            shown = metrics.samples("eventloop_info", pid=target.pid)
            skipped = any(str(target.pid) in line for line in loopscope.lines("stderr"))
            return shown or skipped

        wait_until(decided, 20, f"figures or a reason ({what})")
        for _ in range(5):
            self.assertLess(loopscope.http.get("/metrics").seconds, 1.0, what)
        self.assertTrue(loopscope.running(), what)
        self.assertTrue(target.running(), what)
        self.assertEqual(loopscope.stop(), 0, what)

    def test_file_replaced_under_a_running_process(self):
        node = self.copy_of_node()
        genuine = node.read_bytes()
        target = self.start(node)
        for forge in REPLACEMENTS:
            with self.subTest(replacement=forge.__name__):
                forged = node.with_suffix(".new")
                forged.write_bytes(forge(genuine))
                forged.chmod(0o755)
                forged.rename(node)
                self.assert_survives(target, forge.__name__)
        node.unlink()
        self.assert_survives(target, "deleted file")
        os.mkfifo(node)
        self.assert_survives(target, "a FIFO in place of the file")

    def test_running_program_with_forged_section_headers(self):
        # The kernel never looks at section headers, so such a program really runs.
        for forge in (section_table_beyond_the_end, section_table_overwritten):
            with self.subTest(forged=forge.__name__):
                node = self.copy_of_node()
                node.write_bytes(forge(node.read_bytes()))
                target = self.start(node)
                self.assert_survives(target, forge.__name__)

    def test_deleted_program_is_still_measured(self):
        # An upgrade replaces the file of a running program: nothing may be lost by that.
        node = self.copy_of_node()
        target = self.start(node)
        node.unlink()
        loopscope = self.loopscope("--pid", target.pid)
        loopscope.wait_for_loop(target.pid, source="uv_stack")
        before = LoopFigures(loopscope.scrape(), target.pid)
        port = json.loads(target.wait_line(r"^ready (.*)$").group(1))["port"]
        self.block(port)
        after = LoopFigures(
            loopscope.wait_metrics(
                lambda m: LoopFigures(m, target.pid).blocked == 0, 10, "end of the block"
            ),
            target.pid,
        )
        self.assertEqual(growth(before.stalls, after.stalls), {"poll": 1})

    @staticmethod
    def block(port):
        client = HttpClient("127.0.0.1", port, timeout=30)
        client.get("/compute?n=1e9")
        client.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
