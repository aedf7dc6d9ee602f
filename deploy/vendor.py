"""Makes `console/static/vendor` and `tests/browser/vendor` anew from the npm packages that their VENDOR.json name, and checks their hashes.

Run it after changing a version there (`python deploy/vendor.py`; it needs npm). With `--accept` it writes the hashes of what it fetched,
otherwise a file that differs from its hash is an error. The files are taken as published: nothing is bundled, patched or minified.
"""

import base64
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = (ROOT / "console/static/vendor", ROOT / "tests/browser/vendor")


def sha384(body: bytes) -> str:
    """A hash as browsers write it.

    >>> sha384(b"")[:14]
    'sha384-OLBgp1G'
    """
    return "sha384-" + base64.b64encode(hashlib.sha384(body).digest()).decode()


def fetched(package: dict[str, Any], folder: Path) -> dict[str, bytes]:
    """The wanted files of a package by the name they get here."""
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder), f"{package['name']}@{package['version']}"]
    archive = folder / subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]
    with tarfile.open(archive) as packed:
        return {name: packed.extractfile(f"package/{wanted['from']}").read() for name, wanted in package["files"].items()}  # type: ignore[union-attr]


def renew(folder: Path, accept: bool) -> list[str]:
    """Write a folder's files; what differs from its hash is named and not written."""
    listing = folder / "VENDOR.json"
    packages: list[dict[str, Any]] = json.loads(listing.read_text("utf-8"))
    wrong = []
    for package in packages:
        with tempfile.TemporaryDirectory() as scratch:
            for name, body in fetched(package, Path(scratch)).items():
                wanted = package["files"][name]
                if accept:
                    wanted["sha384"] = sha384(body)
                if wanted["sha384"] == sha384(body):
                    (folder / name).write_bytes(body)
                else:
                    wrong.append(f"{package['name']} {package['version']}: {name} is not what {listing.name} expects")
    listing.write_text(json.dumps(packages, indent=2) + "\n", "utf-8")
    return wrong


def main() -> int:
    """Exit code 1 when a file is not the expected one."""
    wrong = [line for folder in FOLDERS for line in renew(folder, "--accept" in sys.argv)]
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
