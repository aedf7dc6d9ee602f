"""The store of evidence: on a folder and on storage that speaks S3, with its knowledge on both databases."""

import hashlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from moto.server import ThreadedMotoServer

from adapters.blobs import Blobs, Bucket, Folder, open_blobs
from adapters.case_keeper import CaseTables
from adapters.case_rows import read_fact
from adapters.database import Database
from adapters.evidence import Arrival, EvidenceStore
from adapters.pictures import read
from config.settings import Settings
from incidents.audit import Span
from incidents.commands import Evidence
from incidents.errors import TryAgain, UserError
from incidents.evidence_rules import Picture, Upload
from incidents.facts import encode_fact
from tests.adapters.pictures import encoded, phone_jpeg, recording, scene
from tests.streams.fact_agents import a_fact

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
WANG = Upload(person="wang", district="370202", unit="clean-1")
LI = Upload(person="li", district="370203")
CASE, OTHER = "QD-20261121-AAAAAAAAAA", "QD-20261121-BBBBBBBBBB"
DAY_S = 86_400


class Wall:
    """A clock on the wall that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = NOW.timestamp()

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of a storage that speaks S3, in this process."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("ACCESS_KEY_ID", "test"), ("SECRET_ACCESS_KEY", "test"), ("DEFAULT_REGION", "us-east-1")):
        monkeypatch.setenv(f"AWS_{name}", value)


@pytest.fixture(params=["folder", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    """A storage with nothing in it, of each kind in turn."""
    if request.param == "folder":
        return Folder(tmp_path / "blobs")
    request.getfixturevalue("credentials")
    bucket = Bucket("evidence", tmp_path.name, request.getfixturevalue("s3"))
    cast(Any, bucket)._client.create_bucket(Bucket="evidence")
    return bucket


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def store(databases: Database, tmp_path: Path, wall: Wall) -> EvidenceStore:
    return EvidenceStore(databases, Folder(tmp_path / "blobs"), days=100, unused_days=10, wall=wall)


def take(store: EvidenceStore, data: bytes, by: Upload = WANG, case_id: str | None = None, at: datetime = NOW) -> Picture:
    """Bring a file."""
    file = read(data, UTC)
    return store.take(file, Arrival(hashlib.sha256(data).hexdigest(), by, at, file.taken, case_id))


# --- bytes


def test_bytes_come_back_are_replaced_by_themselves_and_go(blobs: Blobs) -> None:
    assert blobs.get("ab/abc.jpg") is None
    for _ in range(2):
        blobs.put("ab/abc.jpg", b"picture", "image/jpeg")
        assert blobs.get("ab/abc.jpg") == b"picture"
    for _ in range(2):
        blobs.remove("ab/abc.jpg")
        assert blobs.get("ab/abc.jpg") is None


def test_a_folder_is_its_owner_s_and_holds_nothing_half_written(tmp_path: Path) -> None:
    Folder(tmp_path / "blobs").put("ab/abc.jpg", b"picture", "image/jpeg")
    [folder] = (tmp_path / "blobs").iterdir()
    assert [(each.name, each.stat().st_mode & 0o077) for each in folder.iterdir()] == [("abc.jpg", 0)]


@pytest.mark.parametrize(
    ("url", "kind"), [(None, Folder), ("/srv/evidence", Folder), ("s3://bucket/prefix", Bucket), ("s3://", None), ("ftp://x/y", None)]
)
@pytest.mark.usefixtures("credentials")
def test_the_address_says_which_storage(url: str | None, kind: type | None, tmp_path: Path) -> None:
    settings = Settings(evidence_url=url, local_dir=tmp_path)
    if kind is None:
        with pytest.raises(UserError, match="s3://bucket/prefix or the path"):
            open_blobs(settings)
    else:
        assert isinstance(open_blobs(settings), kind)


@pytest.mark.usefixtures("credentials")
def test_a_storage_that_is_away_may_be_asked_again_and_a_missing_bucket_is_a_person_s_mistake(s3: str) -> None:
    with pytest.raises(TryAgain):
        Bucket("evidence", "", "http://127.0.0.1:9").get("x")
    with pytest.raises(UserError, match="CITYLOOP_EVIDENCE_URL"):
        Bucket("no-such-bucket", "", s3).put("x", b"x", "image/jpeg")


def test_a_full_disk_may_be_tried_again(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(TryAgain):
        Folder(tmp_path / "file").put("ab/abc.jpg", b"picture", "image/jpeg")


# --- what is known of them


def test_a_picture_is_known_by_its_hash_and_by_that_of_the_file_as_it_came(store: EvidenceStore) -> None:
    data = phone_jpeg()
    picture = take(store, data)
    original = hashlib.sha256(data).hexdigest()
    assert store.known([picture.sha256, original, "f" * 64]) == {picture.sha256: picture, original: picture}
    content, thumbnail = store.content(picture), store.thumbnail(picture)
    assert content is not None and hashlib.sha256(content).hexdigest() == picture.sha256 != original
    assert thumbnail is not None and thumbnail[:2] == b"\xff\xd8"
    assert (picture.captured_at, picture.lon, picture.lat) == (datetime(2026, 11, 21, 1, 30, tzinfo=UTC), 120.3826, 36.0671)
    assert (picture.stored_at, picture.uploads, picture.cases, picture.proof_of) == (NOW, (WANG,), (), None)


def test_what_is_known_first_stands_whoever_brings_it_again_and_with_whatever_words(store: EvidenceStore, wall: Wall) -> None:
    first = take(store, phone_jpeg())
    wall.seconds += 1
    lie = phone_jpeg(at="2026:11:21 23:00:00", place=(120.5, 36.5))
    again = take(store, lie, LI, CASE, NOW + timedelta(hours=1))
    assert again == first.model_copy(update={"uploads": (WANG, LI), "cases": (CASE,)})
    assert store.known([hashlib.sha256(lie).hexdigest()]) == {hashlib.sha256(lie).hexdigest(): again}


def test_a_recording_has_no_thumbnail(store: EvidenceStore) -> None:
    picture = take(store, recording())
    assert (picture.media_type, store.thumbnail(picture)) == ("video/mp4", None)
    assert store.content(picture) is not None


# --- proof


def test_a_picture_proves_one_case_and_frees_itself_when_the_command_was_refused(store: EvidenceStore) -> None:
    one, two = take(store, phone_jpeg()).sha256, take(store, encoded(scene(seed=2), "PNG")).sha256
    assert store.claim([one], CASE, "command-1") is None
    assert store.claim([two, one], OTHER, "command-2") == one
    assert store.known([two])[two].proof_of is None
    store.release("command-2")
    assert (store.known([one])[one].proof_of, store.known([one])[one].cases) == (CASE, (CASE,))
    store.release("command-1")
    assert store.claim([two, one], OTHER, "command-3") is None


def test_a_later_refusal_in_the_same_case_frees_nothing_that_was_claimed_before(store: EvidenceStore) -> None:
    one = take(store, phone_jpeg()).sha256
    assert store.claim([one], CASE, "handled") is None
    assert store.claim([one], CASE, "checked") is None
    store.release("checked")
    assert store.claim([one], OTHER, "elsewhere") == one


def test_of_many_that_claim_a_picture_at_once_one_gets_it(store: EvidenceStore) -> None:
    one = take(store, phone_jpeg()).sha256
    got: list[str] = []

    def claim(number: int) -> None:
        if store.claim([one], f"QD-20261121-{number:010}", f"command-{number}") is None:
            got.append(f"QD-20261121-{number:010}")

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [store.known([one])[one].proof_of]


# --- retention


def test_pictures_of_no_case_go_early_those_of_cases_late_and_proof_is_never_used_twice(store: EvidenceStore, wall: Wall) -> None:
    unused, shown = take(store, encoded(scene(seed=2), "PNG")), take(store, encoded(scene(seed=3), "PNG"), case_id=CASE)
    proof = take(store, phone_jpeg())
    assert store.claim([proof.sha256], CASE, "command-1") is None
    wall.seconds += 9 * DAY_S
    assert store.expire() == 0
    wall.seconds += 2 * DAY_S
    assert store.expire() == 1
    assert set(store.known([unused.sha256, shown.sha256, proof.sha256])) == {shown.sha256, proof.sha256}
    assert (store.content(unused), store.thumbnail(unused)) == (None, None)
    wall.seconds += 90 * DAY_S
    assert store.expire() == 2
    assert take(store, phone_jpeg()).proof_of == CASE
    assert store.claim([proof.sha256], OTHER, "command-2") == proof.sha256


def test_a_picture_that_comes_again_is_kept_anew(store: EvidenceStore, wall: Wall) -> None:
    take(store, phone_jpeg())
    wall.seconds += 9 * DAY_S
    take(store, phone_jpeg())
    wall.seconds += 9 * DAY_S
    assert store.expire() == 0


# --- what the facts tell of pictures


def test_who_sees_a_case_sees_what_its_facts_name_and_what_other_systems_showed_is_proof_of_no_other_case(
    databases: Database, store: EvidenceStore
) -> None:
    seen, shown = take(store, encoded(scene(seed=2), "PNG")), take(store, phone_jpeg())
    original = hashlib.sha256(phone_jpeg()).hexdigest()
    case = {"evidence": [{"sha256": seen.sha256}, {"sha256": "00"}, {"url": "s3://x"}], "handled_evidence": [{"sha256": original.upper()}]}
    tables = CaseTables(databases)
    tables.prepare("topic", {0: Span(0, 0)})
    fact = a_fact(1, 1)
    evidence = {name: tuple(Evidence.model_validate(each) for each in told) for name, told in case.items()}
    told = encode_fact(fact.model_copy(update={"case": fact.case.model_copy(update=evidence)}))
    for _ in range(2):
        tables.take([read_fact(told, 0, 0)])
    known = store.known([seen.sha256, shown.sha256])
    assert [(known[each].cases, known[each].proof_of) for each in (seen.sha256, shown.sha256)] == [
        ((fact.case_id,), None),
        ((fact.case_id,), fact.case_id),
    ]
