#!/usr/bin/env python3
"""Writes what an image is made of, as SPDX 2.3 JSON, from dpkg's database and a lock file.

Also copies each package's licence file to --licences, as PACKAGE/copyright.
"""

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

DPKG_FORMAT = "${Package}\t${Version}\t${Architecture}\t${source:Package}\t${Homepage}\n"


def dpkg(*arguments):
    answer = subprocess.run(
        ["dpkg-query", *arguments], capture_output=True, text=True, check=False
    )
    return answer.stdout.splitlines() if answer.returncode == 0 else []


def owner(path):
    """The package a file is from. dpkg knows files by where they were before /lib became a
    link to /usr/lib, or after, as their package was made."""
    real = str(Path(path).resolve())
    for name in (real, real.removeprefix("/usr"), f"/usr{real}"):
        for line in dpkg("-S", name):
            return line.split(": ")[0].split(",")[0]
    sys.exit(f"error: {path} is from no Debian package")


def debian_id():
    release = Path("/etc/os-release").read_text()
    return re.search(r'^VERSION_ID="?([^"\n]+)', release, re.MULTILINE).group(1)


def debian_package(name, licences):
    package, version, architecture, source, homepage = dpkg("-W", "-f", DPKG_FORMAT, name)[0].split(
        "\t"
    )
    licence = Path("/usr/share/doc") / package / "copyright"
    target = licences / package / "copyright"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(licence, target)
    target.chmod(0o644)
    distribution = debian_id()
    return {
        "SPDXID": f"SPDXRef-{re.sub(r'[^A-Za-z0-9.-]', '-', package)}",
        "name": package,
        "versionInfo": version,
        "supplier": "Organization: Debian",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "homepage": homepage or "NOASSERTION",
        "sourceInfo": f"Debian source package {source}",
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "licenseComments": f"/usr/share/doc/{package}/copyright in the image",
        "copyrightText": "NOASSERTION",
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": f"pkg:deb/debian/{package.replace('+', '%2B')}"
                f"@{version.replace('+', '%2B').replace(':', '%3A')}"
                f"?arch={architecture}&distro=debian-{distribution}",
            }
        ],
    }


def npm_packages(lock_file):
    """What is bundled into the live page: everything that is not for development."""
    for path, package in json.loads(lock_file.read_text())["packages"].items():
        if not path or package.get("dev"):
            continue
        name = path.rpartition("node_modules/")[2]
        yield {
            "SPDXID": f"SPDXRef-npm-{re.sub(r'[^A-Za-z0-9.-]', '-', name)}",
            "name": name,
            "versionInfo": package["version"],
            "downloadLocation": "NOASSERTION",
            "filesAnalyzed": False,
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": package.get("license", "NOASSERTION"),
            "copyrightText": "NOASSERTION",
            "externalRefs": [
                {
                    "referenceCategory": "PACKAGE-MANAGER",
                    "referenceType": "purl",
                    "referenceLocator": f"pkg:npm/{name}@{package['version']}",
                }
            ],
        }


def program(version):
    return {
        "SPDXID": "SPDXRef-loopscope",
        "name": "loopscope",
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "Apache-2.0",
        "licenseDeclared": "Apache-2.0",
        "licenseComments": "/usr/share/doc/loopscope/copyright in the image",
        "copyrightText": "NOASSERTION",
        "primaryPackagePurpose": "CONTAINER",
    }


def document(version, epoch, loaded, compiled_in):
    packages = [program(version), *loaded, *compiled_in]
    digest = hashlib.sha256(json.dumps(packages, sort_keys=True).encode()).hexdigest()
    uses = [
        {
            "spdxElementId": "SPDXRef-loopscope",
            "relationshipType": kind,
            "relatedSpdxElement": package["SPDXID"],
        }
        for kind, some in (("DYNAMIC_LINK", loaded), ("STATIC_LINK", compiled_in))
        for package in some
    ]
    describes = {
        "spdxElementId": "SPDXRef-DOCUMENT",
        "relationshipType": "DESCRIBES",
        "relatedSpdxElement": "SPDXRef-loopscope",
    }
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"loopscope-{version}",
        "documentNamespace": f"https://spdx.org/spdxdocs/loopscope-{version}-{digest[:32]}",
        "creationInfo": {
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch)),
            "creators": ["Tool: tools/sbom.py"],
        },
        "packages": packages,
        "relationships": [describes, *uses],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--version", required=True, help="the program's own")
    parser.add_argument("--epoch", type=int, required=True, help="the document's date")
    parser.add_argument("--licences", type=Path, required=True, help="where licence files go")
    parser.add_argument("--npm", type=Path, required=True, help="lock file of the live page")
    parser.add_argument("--compiled-in", nargs="+", required=True, help="Debian packages")
    parser.add_argument("--files", nargs="+", required=True, help="files of Debian packages")
    options = parser.parse_args()

    names = sorted({owner(path) for path in options.files})
    loaded = [debian_package(name, options.licences) for name in names]
    compiled_in = [debian_package(name, options.licences) for name in options.compiled_in]
    compiled_in += npm_packages(options.npm)
    json.dump(document(options.version, options.epoch, loaded, compiled_in), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
