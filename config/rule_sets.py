"""A city's rules as one value: the files that decide anything, named by the hash over their bytes that every verdict and case carries.

Each set is kept on `city.config` (DOMAIN.md: "each rule set is kept by its hash, so that an old decision can be recomputed");
`cityloop rules write` puts one back into a folder that CITYLOOP_CONFIG_DIR can name.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from incidents.errors import UserError

NAMES = ("assets.csv", *(f"{name}.toml" for name in ("calendar", "city", "districts", "routes", "units")))
"""With catalogue/*.toml. Mappings only translate, indicators have a version of their own: neither counts."""


def rule_files(folder: Path) -> dict[str, bytes]:
    """Path below the city's folder -> content, sorted by path."""
    paths = [*(folder / name for name in NAMES), *(folder / "catalogue").glob("*.toml")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(paths) if path.is_file()}


def hash_of(files: Mapping[str, bytes]) -> str:
    """Twelve hex digits over names and bytes."""
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(name.encode() + b"\0" + content + b"\0")
    return digest.hexdigest()[:12]


def encode_rule_set(city: str, files: Mapping[str, bytes]) -> bytes:
    """The record's value on `city.config`, JSON; its key is the hash. The files are UTF-8 (docs/city.md)."""
    texts = {name: content.decode() for name, content in files.items()}
    return json.dumps({"city": city, "rules": hash_of(files), "files": texts}, ensure_ascii=False).encode()


def write_rule_set(value: bytes, folder: Path) -> Path:
    """Put the files of a record into `folder`/cities/<city>; returns that.

    Raises UserError when the folder has that city already, or for a record whose files do not make its hash.
    """
    told = json.loads(value)
    files = {name: text.encode() for name, text in told["files"].items()}
    if hash_of(files) != told["rules"] or any(not _is_below(name) for name in files):
        raise UserError(f"rule set {told['rules']}: its files make {hash_of(files)}, so somebody changed the record; take another stack's")
    home: Path = folder / "cities" / told["city"]
    if home.exists():
        raise UserError(f"{home} is there already; name a folder that has no such city")
    for name, content in files.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return home


def _is_below(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts
