#!/usr/bin/env python3
"""The container image: what is in it, what its program may do, that it runs with nothing."""

import gzip
import io
import json
import os
import stat
import struct
import subprocess
import tarfile
import tempfile
import unittest
from pathlib import Path

from harness import image
from harness.build import compile_program

USER = 65532
# DAC_OVERRIDE, DAC_READ_SEARCH, SYS_PTRACE, SYS_ADMIN, PERFMON
CAPABILITIES = {1, 2, 19, 21, 38}
PROGRAMS = {"loopscope", "loopscope-server"}
UNPACKED_LIMIT = 40_000_000
ARCHIVE_LIMIT = 16_000_000


class ImageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = image.directory_for_images()
        cls.addClassCleanup(directory.cleanup)
        cls.directory = Path(directory.name)
        cls.root = image.build("oci", cls.directory)
        cls.container = compile_program(cls.directory, "container.c")

    def run_inside(self, *command, capabilities=0):
        return subprocess.run(
            [self.container, "--root", self.root, "--read-only", "--uid", str(USER),
             "--caps", hex(capabilities), "--no-new-privs", "--", *command],
            capture_output=True, text=True, timeout=30, check=False,
        )

    def files(self):
        return [path for path in self.root.rglob("*") if path.is_file() and not path.is_symlink()]

    def blob(self, digest):
        return (self.directory / "oci/blobs" / digest.replace(":", "/")).read_bytes()

    def manifest(self):
        index = json.loads((self.directory / "oci/index.json").read_text())
        (entry,) = index["manifests"]
        return json.loads(self.blob(entry["digest"]))

    def test_only_what_is_needed_is_in_it(self):
        inside = {str(path.relative_to(self.root)) for path in self.files()}
        programs = {path for path in inside if path.startswith("usr/bin/")}
        self.assertEqual(programs, {f"usr/bin/{name}" for name in PROGRAMS})
        libraries = {path for path in inside if ".so" in Path(path).name}
        rest = inside - programs - libraries - {"etc/passwd", "etc/group"}
        unexpected = {
            path for path in rest
            if not path.startswith(("usr/lib/terminfo/", "usr/share/doc/"))
        }
        self.assertEqual(unexpected, set())
        top = {path.name for path in self.root.iterdir()} - {"lib64"}  # not on every machine
        self.assertEqual(top, {"dev", "etc", "lib", "proc", "sys", "tmp", "usr"})

    def test_nothing_is_set_uid_or_writable(self):
        for path in self.files():
            status = path.stat()
            mode = stat.S_IMODE(status.st_mode)
            self.assertEqual(mode & ~0o755, 0, path)
            self.assertEqual((status.st_uid, status.st_gid), (0, 0), path)
            self.assertEqual("security.capability" in os.listxattr(path),
                             path.name == "loopscope", path)

    def test_capabilities_are_permitted_and_not_effective(self):
        value = os.getxattr(self.root / "usr/bin/loopscope", "security.capability")
        magic, low, inheritable_low, high, inheritable_high = struct.unpack("<5I", value)
        self.assertEqual(magic, 0x02000000, "revision 2, without the effective flag")
        permitted = low | high << 32
        self.assertEqual({bit for bit in range(64) if permitted >> bit & 1}, CAPABILITIES)
        self.assertEqual((inheritable_low, inheritable_high), (0, 0))

    def test_it_runs_with_no_capability_at_all(self):
        version = self.run_inside("/usr/bin/loopscope", "--version")
        self.assertEqual((version.returncode, version.stderr), (0, ""))
        self.assertRegex(version.stdout, r"^loopscope \d")
        doctor = self.run_inside("/usr/bin/loopscope", "doctor")
        self.assertEqual(doctor.returncode, 0, doctor.stderr)
        self.assertRegex(doctor.stdout, rf"user +uid {USER}")
        self.assertRegex(doctor.stdout, r"CAP_SYS_PTRACE +no: ")
        server = self.run_inside("/usr/bin/loopscope-server", "--help")
        self.assertEqual(server.returncode, 0, server.stderr)

    def test_it_raises_the_one_capability_that_it_is_given(self):
        doctor = self.run_inside("/usr/bin/loopscope", "doctor", capabilities=1 << 19)
        self.assertRegex(doctor.stdout, r"CAP_SYS_PTRACE +yes: ")
        for name in ("CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_PERFMON", "CAP_SYS_ADMIN"):
            self.assertRegex(doctor.stdout, rf"{name} +no: ")

    def test_there_is_no_shell(self):
        for shell in ("/bin/sh", "/usr/bin/sh", "/bin/bash", "/bin/busybox"):
            self.assertEqual(self.run_inside(shell, "-c", "true").returncode, 125, shell)

    def test_size(self):
        unpacked = sum(path.stat().st_size for path in self.files())
        archive = (self.directory / "loopscope.oci.tar").stat().st_size
        print(f"{unpacked / 1e6:.1f} MB unpacked, {archive / 1e6:.1f} MB as an archive")
        self.assertLess(unpacked, UNPACKED_LIMIT)
        self.assertLess(archive, ARCHIVE_LIMIT)

    def test_the_bill_of_materials_names_every_library(self):
        bill = json.loads((self.root / "usr/share/doc/loopscope/sbom.spdx.json").read_text())
        self.assertEqual(bill["spdxVersion"], "SPDX-2.3")
        packages = {package["name"]: package for package in bill["packages"]}
        for name in ("loopscope", "libc6", "zlib1g", "prometheus-cpp-dev", "uplot"):
            self.assertTrue(packages[name]["versionInfo"], name)
        licences = {path.parent.name for path in self.root.glob("usr/share/doc/*/copyright")}
        self.assertEqual(licences, set(packages) - {"uplot"})
        related = {one["relatedSpdxElement"] for one in bill["relationships"]}
        self.assertEqual(related, {package["SPDXID"] for package in bill["packages"]})

    def test_the_oci_image_has_the_same(self):
        manifest = self.manifest()
        config = json.loads(self.blob(manifest["config"]["digest"]))
        self.assertEqual(config["config"]["User"], f"{USER}:{USER}")
        self.assertEqual(config["config"]["Entrypoint"], ["/usr/bin/loopscope"])
        self.assertEqual(config["config"]["Cmd"], ["run"])
        self.assertEqual(config["os"], "linux")
        (layer,) = manifest["layers"]
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(self.blob(layer["digest"])))) as tar:
            members = {member.name.lstrip("./").rstrip("/"): member for member in tar}
        self.assertEqual({(member.uid, member.gid) for member in members.values()}, {(0, 0)})
        inside = {str(path.relative_to(self.root)) for path in self.root.rglob("*")}
        self.assertEqual({name for name in members if name}, inside)
        self.assertIn("SCHILY.xattr.security.capability", members["usr/bin/loopscope"].pax_headers)

    def test_containerd_and_the_chart_call_it_alike(self):
        index = json.loads((self.directory / "oci/index.json").read_text())
        (entry,) = index["manifests"]
        tag = entry["annotations"]["org.opencontainers.image.ref.name"]
        # A kubelet asks for `loopscope:TAG` of the chart's values by this name.
        self.assertEqual(
            entry["annotations"]["io.containerd.image.name"], f"docker.io/library/loopscope:{tag}")

    def test_it_comes_out_the_same_again(self):
        with tempfile.TemporaryDirectory(dir=self.directory) as again:
            image.build("oci", again)
            first, second = (
                json.loads((Path(place) / "oci/index.json").read_text())["manifests"][0]["digest"]
                for place in (self.directory, again)
            )
        self.assertEqual(first, second)


if __name__ == "__main__":
    unittest.main(verbosity=2)
