"""The journal on both databases: one chain whoever appends, every way of tampering found and named, entries found again and proved."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from adapters.database import Database
from adapters.journal import Journal, stored_rows
from adapters.journal_reading import Wanted, copied, entries, examine, proofs
from adapters.secrets import Secrets, is_signed
from incidents.errors import UserError
from incidents.journal import EVERY, Checkpoint, Examination, Fault, Kind, Row, act, body_of, chained, genesis, iso, link, proves
from incidents.rights import EVERYTHING, Scope
from tests.waiting import until

CITY = "qingdao"
SECRETS = Secrets(*(bytes([number]) * 32 for number in range(4)))
AT = datetime(2026, 11, 21, 0, 15, tzinfo=UTC)


@pytest.fixture
def journal(databases: Database, tmp_path: Path) -> Iterator[Journal]:
    """A journal on each engine in turn."""
    with closing(Journal(databases, CITY, SECRETS, tmp_path / "copy" / "checkpoints")) as made:
        yield made


def fill(journal: Journal, count: int) -> None:
    """That many commands, and a checkpoint at the end."""
    for number in range(1, count + 1):
        journal.append(Kind.COMMAND, f"p{number}", {"case_id": f"QD-{number}", "district": "370202", "command": "file"})
    journal.checkpoint()


def seen(journal: Journal, *, copy: Path | None = None) -> Examination:
    """What verifying says."""
    return examine(journal.database, CITY, SECRETS.journal_public, copied(copy) if copy else iter(()))


def tamper(journal: Journal, *statements: str) -> None:
    """What an intruder with all rights on the database may do."""
    drop = ("DROP TRIGGER journal_no_update", "DROP TRIGGER journal_no_delete") if journal.database.is_sqlite else (
        "DROP TRIGGER journal_keep ON journal",
    )  # fmt: skip
    with journal.database.write() as connection:
        for statement in (*drop, *statements):
            connection.execute(text(statement))


def rewrite(journal: Journal, first: int, last: int) -> None:
    """Forge one entry and hash everything after it anew, as one can who knows how; only the key is not at hand."""
    tamper(journal)
    rows = [act(Kind.COMMAND, "somebody-else", {"case_id": f"QD-{number}"}) for number in range(first, last + 1)]
    with journal.database.write() as connection:
        query = text("SELECT hash FROM journal WHERE sequence = :n")
        before = connection.execute(query, {"n": first - 1}).scalar_one()
        for row in chained(rows, first - 1, bytes(before), AT):
            connection.execute(
                text("UPDATE journal SET body=:body, hash=:hash, at=:at, person=:person, district=NULL WHERE sequence=:n"),
                {"body": row.body, "hash": row.hash, "at": row.columns["at"], "person": row.columns["person"], "n": row.sequence},
            )
        connection.execute(text("UPDATE journal_heads SET hash = :hash"), {"hash": row.hash})


def faults(found: Examination) -> list[tuple[Fault, int, int]]:
    return [(finding.fault, finding.first, finding.last) for finding in found.findings]


def test_an_untouched_journal_is_whole_and_signed_to_its_end(journal: Journal, tmp_path: Path) -> None:
    fill(journal, 12)
    found = seen(journal, copy=tmp_path / "copy" / "checkpoints")
    assert (found.findings, found.entries, found.signed_to) == ([], 12, 12)


def test_an_empty_journal_is_whole(journal: Journal) -> None:
    assert journal.checkpoint() is None
    assert (seen(journal).findings, seen(journal).entries) == ([], 0)


def swap(journal: Journal) -> None:
    """The bytes of entries 4 and 7 change places."""
    tamper(journal)
    with journal.database.write() as connection:
        rows = {row.sequence: row.body for row in stored_rows(connection, CITY, 4, 7)}
        for number, other in ((4, 7), (7, 4)):
            connection.execute(text("UPDATE journal SET body = :body WHERE sequence = :n"), {"body": rows[other], "n": number})


TAMPERED: dict[str, tuple[Callable[[Journal], None], list[tuple[Fault, int, int]]]] = {
    "mutated": (lambda j: tamper(j, f"UPDATE journal SET body = {_forged(j)} WHERE sequence = 5"), [(Fault.CHANGED, 5, 5)]),
    "mutated beside its bytes": (lambda j: tamper(j, "UPDATE journal SET person = 'nobody' WHERE sequence = 5"), [(Fault.CHANGED, 5, 5)]),
    "garbled": (lambda j: tamper(j, "UPDATE journal SET body = hash WHERE sequence = 5"), [(Fault.CHANGED, 5, 5)]),
    "deleted": (lambda j: tamper(j, "DELETE FROM journal WHERE sequence IN (5, 6)"), [(Fault.MISSING, 5, 6)]),
    "deleted first": (lambda j: tamper(j, "DELETE FROM journal WHERE sequence = 1"), [(Fault.MISSING, 1, 1)]),
    "swapped": (swap, [(Fault.MOVED, 4, 4), (Fault.MOVED, 7, 7)]),
    "truncated": (lambda j: tamper(j, "DELETE FROM journal WHERE sequence > 8"), [(Fault.TRUNCATED, 9, 12)]),
    "emptied": (lambda j: tamper(j, "DELETE FROM journal"), [(Fault.TRUNCATED, 1, 12)]),
    "rewritten": (lambda j: rewrite(j, 6, 12), [(Fault.REWRITTEN, 1, 12)]),
    "forged signature": (lambda j: tamper(j, "UPDATE journal_checkpoints SET sequence = 11"), [(Fault.FORGED, 11, 11)]),
}


def _forged(journal: Journal) -> str:
    body = body_of(act(Kind.COMMAND, "p5", {"case_id": "QD-5", "district": "370202", "command": "void"}), 5, AT).hex()
    return f"x'{body}'" if journal.database.is_sqlite else f"'\\x{body}'::bytea"


@pytest.mark.parametrize("way", TAMPERED)
def test_tampering_is_found_and_named(journal: Journal, way: str) -> None:
    fill(journal, 12)
    do, expected = TAMPERED[way]
    do(journal)
    assert faults(seen(journal)) == expected


def test_who_also_cuts_off_the_checkpoints_is_caught_by_the_copy(journal: Journal, tmp_path: Path) -> None:
    fill(journal, 12)
    head = "(SELECT hash FROM journal WHERE sequence = 8)"
    tamper(
        journal,
        "DELETE FROM journal_checkpoints",
        "DELETE FROM journal WHERE sequence > 8",
        f"UPDATE journal_heads SET sequence=8, hash={head}",
    )
    assert faults(seen(journal)) == []
    assert faults(seen(journal, copy=tmp_path / "copy" / "checkpoints")) == [(Fault.TRUNCATED, 9, 12)]


def test_the_database_itself_refuses_to_change_or_delete_an_entry(journal: Journal) -> None:
    fill(journal, 1)
    for statement in ("UPDATE journal SET person = 'x'", "DELETE FROM journal"):
        with pytest.raises(Exception, match="the journal only grows"), journal.database.write() as connection:
            connection.execute(text(statement))
    assert faults(seen(journal)) == []


def test_many_appenders_of_several_processes_make_one_chain_in_few_transactions(journal: Journal, tmp_path: Path) -> None:
    with closing(Journal(journal.database, CITY, SECRETS, tmp_path / "other")) as other:
        threads = [threading.Thread(target=fill_alone, args=(each, 60)) for each in (journal, other) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = seen(journal)
    assert (found.findings, found.entries) == ([], 600)
    assert found.signed_to == 2 * EVERY


def fill_alone(journal: Journal, count: int) -> None:
    numbers = [journal.append(Kind.COMMAND, "p", {"n": number}) for number in range(count)]
    assert numbers == sorted(set(numbers))


def test_a_missing_checkpoint_is_named(journal: Journal) -> None:
    for _ in range(EVERY + 1):
        journal._join(act(Kind.COMMAND, "p", {}))
    journal.append(Kind.COMMAND, "p", {})
    tamper(journal, "DELETE FROM journal_checkpoints")
    assert faults(seen(journal)) == [(Fault.UNSIGNED, EVERY, EVERY)]


async def _written(journal: Journal) -> list[int]:
    tasks = [asyncio.create_task(journal.write(Kind.COMMAND, "p", {"n": number})) for number in range(50)]
    await asyncio.sleep(0)
    tasks[3].cancel()
    return [number for number in await asyncio.gather(*tasks, return_exceptions=True) if isinstance(number, int)]


def test_a_cancelled_waiter_takes_nobody_elses_entry_with_it(journal: Journal) -> None:
    assert len(asyncio.run(_written(journal))) == 49
    assert seen(journal).entries == 50


def test_what_cannot_be_written_is_refused_at_once_and_alone(journal: Journal) -> None:
    for value in (AT, b"bytes", float("nan")):
        with pytest.raises(TypeError, match="the journal takes no"):
            journal.append(Kind.COMMAND, "p", {"bbox": [120.38, value]})
    assert journal.append(Kind.COMMAND, "p", {}) == 1


def test_entries_are_found_by_case_person_kind_and_time_newest_first_and_by_district(journal: Journal) -> None:
    journal.append(Kind.COMMAND, "wang", {"case_id": "QD-1", "district": "370202"})
    journal.append(Kind.UNSEALED, "wang", {"case_id": "QD-2", "district": "370203", "purpose": "callback"})
    journal.append(Kind.SIGNED_IN, "li", {})

    def found(scope: Scope = EVERYTHING, **wanted: object) -> list[int]:
        return [each["sequence"] for each in entries(journal.database, CITY, scope, Wanted(**wanted), 10)]  # type: ignore[arg-type]  # a table's rows

    assert found() == [3, 2, 1]
    assert found(case="QD-2") == found(kind="unsealed") == found(scope=Scope(districts=("370203",))) == [2]
    assert found(person="wang", before=2) == [1]
    assert found(since="2999-01-01T00:00:00.000Z") == found(scope=Scope(districts=())) == []
    assert found(scope=Scope(districts=("370203",), subdistricts=("370203005",))) == []


def test_a_cases_entries_are_proved_by_the_public_key_alone_without_showing_others(journal: Journal) -> None:
    fill(journal, 5)
    [proof] = proofs(journal, "QD-1")
    assert "QD-2" not in json.dumps(proof)
    check = lambda message, signature: is_signed(SECRETS.journal_public, message, signature)  # noqa: E731
    assert proves(proof, check)
    assert not proves({**proof, "entry": proof["entry"].replace("p1", "p9")}, check)


def test_a_copy_with_a_torn_last_line_is_read_and_one_with_another_bad_line_is_not(journal: Journal, tmp_path: Path) -> None:
    fill(journal, 1)
    path = tmp_path / "copy" / "checkpoints"
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:20])
    assert len(list(copied(path))) == 1
    path.write_bytes(b"{}\n" + whole)
    with pytest.raises(UserError, match="checkpoints:1 is no checkpoint"):
        list(copied(path))


def test_while_a_console_runs_what_is_new_is_signed_without_asking(journal: Journal) -> None:
    async def run() -> None:
        await journal.write(Kind.COMMAND, "p", {})
        task = asyncio.create_task(journal.keep_signed())
        await asyncio.to_thread(until, lambda: seen(journal).signed_to == 1, "the entry to be signed")
        task.cancel()

    asyncio.run(run())


def test_an_act_is_journalled_though_the_second_place_is_away(journal: Journal, tmp_path: Path) -> None:
    (tmp_path / "copy").write_text("a file where a folder should be")
    fill(journal, 1)
    assert (faults(seen(journal)), seen(journal).signed_to) == ([], 1)


PERSONAL = ["13812345678", "0532-85912345", "370202199001011234", "37020219900101123X", "鲁B12345", "鲁BD12345", "wang@example.com"]


@pytest.mark.parametrize("value", PERSONAL)
def test_what_is_personal_does_not_get_into_an_entry(value: str) -> None:
    entry = act(Kind.UNSEALED, "wang", {"purpose": f"call {value} back", "nested": [{"q": value}]})
    assert value not in body_of(entry, 1, AT).decode()


@pytest.mark.parametrize("value", ["QD-20261121-0123456789", "370202", "6f0c1234-1234-4234-8234-123456789012", "2026-11-21T08:15:02+08:00"])
def test_what_names_a_case_a_district_a_command_or_a_time_stays(value: str) -> None:
    assert value in body_of(act(Kind.COMMAND, "wang", {"it": value}), 1, AT).decode()


@given(st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=8) | st.integers() | st.booleans() | st.none()), max_size=20))
def test_a_chain_holds_and_holds_no_more_when_any_of_its_bytes_is_another(whats: list[dict[str, object]]) -> None:
    rows = list(chained([act("command", "p", what) for what in whats], 0, genesis(CITY), AT + timedelta(0)))
    before = genesis(CITY)
    for row in rows:
        assert link(before, row.body) == row.hash
        assert link(before, row.body[:-1] + b" ") != row.hash
        before = row.hash


def _mutated(rows: list[Row], number: int) -> list[Row]:
    row = rows[number]
    return [*rows[:number], Row(row.sequence, row.body.replace(b"command", b"another"), row.hash, row.columns), *rows[number + 1 :]]


WAYS: dict[str, Callable[[list[Row], int], list[Row]]] = {
    "mutate": _mutated,
    "delete": lambda rows, number: rows[:number] + rows[number + 1 :],
    "cut": lambda rows, number: rows[:number],
    "rewrite": lambda rows, number: [
        *rows[:number],
        *chained([act("command", "q", {})] * (len(rows) - number), number, rows[number - 1].hash if number else genesis(CITY), AT),
    ],
}


@given(st.integers(1, 30), st.data())
def test_whatever_is_done_to_any_signed_entry_is_found(count: int, data: st.DataObject) -> None:
    rows = list(chained([act("command", "p", {"n": number}) for number in range(count)], 0, genesis(CITY), AT))
    bare = Checkpoint(CITY, count, rows[-1].hash, iso(AT))
    signed = Checkpoint(bare.city, bare.sequence, bare.head, bare.at, SECRETS.sign(bare.message))
    done = WAYS[data.draw(st.sampled_from(sorted(WAYS)))](rows, data.draw(st.integers(0, count - 1)))
    found = Examination(CITY, [signed], lambda message, signature: is_signed(SECRETS.journal_public, message, signature))
    for row in done:
        found.take(row)
    found.end((done[-1].sequence, done[-1].hash) if done else None)
    assert found.findings
