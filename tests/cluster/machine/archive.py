"""Images without a registry: an OCI archive of directories, a layer each."""

import hashlib
import json
import pathlib
import subprocess
import tarfile
import tempfile

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
# The name that `ctr images import` gives it; one given there alone would leave a second name.
NAME = "io.containerd.image.name"


class Blobs:
    def __init__(self, root):
        self.directory = root / "blobs" / "sha256"
        self.directory.mkdir(parents=True)

    def put(self, data, media_type):
        digest = hashlib.sha256(data).hexdigest()
        (self.directory / digest).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}


def layer(directory):
    """Its files as a tar, root's and without times."""
    return subprocess.run(
        ["tar", "--create", "--directory", directory, "--sort=name", "--mtime=@0", "--format=pax",
         "--owner=0", "--group=0", "--numeric-owner", "."],
        check=True, capture_output=True,
    ).stdout


def write(file, name, directories, **settings):
    """settings: Entrypoint, Cmd, Env, User of the image's configuration."""
    with tempfile.TemporaryDirectory(dir=pathlib.Path(file).parent) as work:
        root = pathlib.Path(work)
        blobs = Blobs(root)
        layers = [blobs.put(layer(directory), LAYER) for directory in directories]
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin"], **settings},
            "rootfs": {"type": "layers", "diff_ids": [item["digest"] for item in layers]},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": blobs.put(json.dumps(config).encode(), CONFIG),
            "layers": layers,
        }
        entry = {**blobs.put(json.dumps(manifest).encode(), MANIFEST), "annotations": {NAME: name}}
        (root / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
        (root / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))
        with tarfile.open(file, "w") as out:
            for part in ("oci-layout", "index.json", "blobs"):
                out.add(root / part, part)
