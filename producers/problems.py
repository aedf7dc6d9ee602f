"""What a source could not translate: counted in full, told in full sentences up to a hundred."""

from pathlib import Path

TOLD = 100


class Problems:
    """Collects problems of one file; keeps the first hundred texts and the number of all."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.told: list[str] = []
        self.count = 0

    def add(self, line: int, column: str | None, message: str) -> None:
        """Add `path:line: column 'x': message`."""
        self.count += 1
        if len(self.told) < TOLD:
            where = f"column {column!r}: " if column else ""
            self.told.append(f"{self._path}:{line}: {where}{message}")
