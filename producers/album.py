"""The pictures of a simulated city: drawn, kept in the city's store of evidence as uploads are, and named by their hashes in what cameras
report and in what people show of their work. Only for demos: a real camera's gateway uploads what it saw (docs/evidence.md).
"""

import hashlib
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from zoneinfo import ZoneInfo

from adapters.database import open_database
from adapters.drawings import Shot, drawn
from adapters.evidence import Arrival, EvidenceStore, open_evidence
from adapters.pictures import read
from config.load import load_city
from config.settings import Settings
from incidents.catalogue import City
from incidents.commands import Command
from incidents.evidence_rules import Picture, Taken, Upload, address, as_evidence
from incidents.vocabulary import CommandType
from producers.units import Planned

VIEWS = 4
"""Pictures per category that cameras share: who looks at a hundred of them need not see a hundred streets."""
CAMERAS = Upload(person="simulated cameras")


class Album:
    """Draws and keeps; every method raises TryAgain when the database or the storage is away."""

    def __init__(self, store: EvidenceStore, city: City) -> None:
        self._store = store
        self._city = city
        self._zone = ZoneInfo(city.time_zone)
        self._seen: dict[tuple[str, int], dict[str, str]] = {}

    def shown(self, planned: Planned, now: datetime) -> Command:
        """The command with a drawn picture for every one that was planned, kept at `now` on the city's clock."""
        command, actor = planned.command, planned.command.actor
        by, pictures = Upload(person=actor.id, unit=actor.unit), []
        for each in command.evidence:
            taken = Taken(captured_at=min(each.captured_at or now, now), lon=each.lon, lat=each.lat)
            seed = zlib.crc32(command.case_id.encode())
            shot = self._shot(planned.category, seed, taken, command.case_id[-10:], still_there=command.type is CommandType.FOUND)
            pictures.append(self._keep(shot, taken, by, now, command.case_id))
        return command.model_copy(update={"evidence": tuple(as_evidence(each) for each in pictures)})

    def seen(self, category: str, source: str, at: datetime) -> dict[str, str]:
        """What a camera saw, as a report's evidence: always the same of one camera and category."""
        view = zlib.crc32(f"{source} {category}".encode()) % VIEWS
        if (category, view) not in self._seen:
            picture = self._keep(self._shot(category, view, Taken(captured_at=at), f"camera {view + 1}", True), Taken(), CAMERAS, at, None)
            known = {"url": address(picture.sha256), "sha256": picture.sha256, "media_type": picture.media_type}
            self._seen[category, view] = known
        return self._seen[category, view]

    def _shot(self, category: str, seed: int, taken: Taken, caption: str, still_there: bool) -> Shot:
        bounds = self._city.bounds
        lon = (bounds.west + bounds.east) / 2 if taken.lon is None else taken.lon
        lat = (bounds.south + bounds.north) / 2 if taken.lat is None else taken.lat
        assert taken.captured_at is not None
        return Shot(category, still_there, seed, taken.captured_at.astimezone(self._zone), lon, lat, caption)

    def _keep(self, shot: Shot, taken: Taken, by: Upload, now: datetime, case_id: str | None) -> Picture:
        data = drawn(shot)
        arrival = Arrival(hashlib.sha256(data).hexdigest(), by, now, taken, case_id)
        return self._store.take(read(data, self._zone), arrival)


@contextmanager
def open_album(settings: Settings) -> Iterator[Album]:
    """The album of a stack. Raises UserError, TryAgain."""
    with closing(open_database(settings)) as database:
        database.upgrade()
        yield Album(open_evidence(settings, database), load_city(settings))
