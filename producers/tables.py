"""Reads the rows of a CSV, JSONL or gzip file, one at a time, with the line each began on; `producers.sources.replay` makes items of them.

The file is read once, from front to back, in constant memory.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from incidents.errors import UserError

csv.field_size_limit(8 << 20)


class InputFile:
    """A file of records, plain or gzip (told by its first bytes, not its name)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._raw: IO[bytes] | None = None
        self._size = 0

    @property
    def is_jsonl(self) -> bool:
        """Whether the name says so: `.jsonl`, `.ndjson`, `.json`, with or without `.gz`."""
        name = self.path.name.lower().removesuffix(".gz")
        return name.endswith((".jsonl", ".ndjson", ".json"))

    def progress(self) -> float | None:
        """Share of the file's (compressed) bytes that was read."""
        if self._raw is None or not self._size or self._raw.closed:
            return None
        return min(1.0, self._raw.tell() / self._size)

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Each line that is not blank, without its end, and its number from 1. Raises UserError for a file that cannot be read (on)."""
        number = 0
        try:
            with self.path.open("rb") as raw:
                self._raw, self._size = raw, self.path.stat().st_size
                for number, line in enumerate(self._unpacked(raw), 1):
                    text = line.rstrip(b"\r\n")
                    if text.strip():
                        yield number, text
        except (OSError, EOFError, zlib.error) as error:
            raise UserError(f"cannot read {self.path} after line {number}: {error}") from None

    def rows(self, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
        """Each row of a CSV with a header, as column → text, and its last line's number.

        Bytes that are not UTF-8 become U+FFFD. Too few columns leave the last ones out; surplus ones are dropped. Raises UserError for a
        missing column, an unreadable file or broken quoting.
        """
        reader = csv.reader(_decoded(self.lines_for_csv()))
        try:
            header = [name.strip() for name in next(reader, [])]
            self._require(header, needed)
            for values in reader:
                if values:
                    yield reader.line_num, dict(zip(header, values, strict=False))
        except csv.Error as error:
            raise UserError(f"{self.path}:{reader.line_num}: {error}") from None

    def lines_for_csv(self) -> Iterator[bytes]:
        """Each line with its end, as the csv module wants them (a quoted value may span lines)."""
        number = 0
        try:
            with self.path.open("rb") as raw:
                self._raw, self._size = raw, self.path.stat().st_size
                for line in self._unpacked(raw):
                    number += 1
                    yield line
        except (OSError, EOFError, zlib.error) as error:
            raise UserError(f"cannot read {self.path} after line {number}: {error}") from None

    def _unpacked(self, raw: IO[bytes]) -> IO[bytes]:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        return io.BufferedReader(gzip.GzipFile(fileobj=raw)) if packed else raw

    def _require(self, header: list[str], needed: tuple[str, ...]) -> None:
        missing = [name for name in needed if name not in header]
        if missing:
            found = ", ".join(header) or "none"
            raise UserError(f"{self.path}:1: no column {', '.join(map(repr, missing))}, which the mapping reads; found: {found}")


def _decoded(lines: Iterator[bytes]) -> Iterator[str]:
    for number, line in enumerate(lines):
        text = line.decode("utf-8", errors="replace")
        yield text.removeprefix("\ufeff") if number == 0 else text
