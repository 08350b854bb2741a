"""What a folder of ours that takes packages from npm has to keep."""

import json


def assert_pinned(case, folder):
    """Versions are exact and locked, and the lock file names no registry."""
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]
    locked = json.loads((folder / "package-lock.json").read_text())["packages"]
    for name, version in wanted.items():
        case.assertEqual(version, locked[f"node_modules/{name}"]["version"])
    for name, package in locked.items():
        if name:
            case.assertIn("integrity", package)
        case.assertNotIn("resolved", package, "which registry it comes from is npm's setting")
