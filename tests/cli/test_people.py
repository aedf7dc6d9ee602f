"""`cityloop accounts`, `tokens`, `journal` and `secrets`: what people at a shell do about people."""

import io
import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from adapters.database import open_database
from adapters.journal_reading import proofs
from adapters.secrets import init_secrets
from cli.accounts import demo_accounts, office
from cli.main import run
from config.settings import Settings, load_settings
from incidents.journal import EVERY, act
from incidents.rights import BLIND, Scope, scope_of
from incidents.vocabulary import Role
from tests.conftest import environment
from tests.console.door import QUICK

Cityloop = Callable[..., tuple[int, Any, str]]
WANG = ("accounts", "add", "wang", "--name", "王芳", "--role", "dispatcher", "--district", "370202")


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    """A stack of which only the database and the secrets are needed."""
    init_secrets(tmp_path / "secrets")
    return Settings(local_dir=tmp_path / "local", secrets_dir=tmp_path / "secrets")


@pytest.fixture
def cityloop(here: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cityloop:
    """`cityloop("tokens", "list", "--json", stdin="…")` → exit code, stdout (parsed when it is JSON), stderr."""
    for name, value in environment(here).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("adapters.people.PasswordHasher", lambda: QUICK)

    def call(*words: str, stdin: str = "") -> tuple[int, Any, str]:
        capsys.readouterr()
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        code = run(words)
        said = capsys.readouterr()
        try:
            return code, json.loads(said.out), said.err
        except ValueError:
            return code, said.out, said.err

    return call


def test_an_account_is_added_listed_given_a_password_disabled_and_all_of_it_journalled(cityloop: Cityloop, here: Settings) -> None:
    code, added, _ = cityloop(*WANG, "--generate", "--json")
    assert (code, added["level"], added["district"]) == (0, "district", "370202")
    with office(here) as desk:
        assert desk.people.sign_in("wang", added["password"], "here")
    assert cityloop("accounts", "password", "wang", stdin="a gull over the old pier\n")[0] == 0
    assert cityloop("accounts", "disable", "wang")[0] == 0
    [account] = cityloop("accounts", "list", "--json")[1]
    assert (account["account"], account["name"], account["role"], bool(account["disabled_at"])) == ("wang", "王芳", "dispatcher", True)
    acts = [entry["what"]["act"] for entry in cityloop("journal", "show", "--kind", "account", "--json")[1]]
    assert acts == ["disable", "password", "add"]
    assert "password_hash" not in str(account)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--role", "dispatcher", "--district", "370299"], "the city has no district '370299'"),
        (["--role", "dispatcher", "--level", "district"], "would see the whole city: name --district"),
        (["--role", "acceptor", "--level", "grid", "--district", "370202"], "would see the whole district: name --subdistrict"),
        (["--role", "acceptor", "--subdistrict", "370202001"], "name its --district, too"),
        (["--role", "acceptor", "--district", "370202", "--subdistrict", "370203005"], "no subdistrict of that district '370203005'"),
        (["--role", "unit"], "name its key with --unit"),
        (["--role", "unit", "--unit", "nobody"], "the city has no unit 'nobody'"),
        (["--role", "leader", "--district", "370202"], "speaks for an office of that level"),
        (["--role", "checker", "--district", "370203", "--unit", "sanitation-370202"], "is of district 370202, not of 370203"),
        (["--role", "resident"], "sees nothing of the console"),
        (["--role", "ops", "--name", "王" * 201], "the name has 201 letters"),
    ],
)
def test_an_account_that_would_see_too_much_or_nothing_is_refused_with_what_to_name(cityloop: Cityloop, words: list[str], why: str) -> None:
    code, _, said = cityloop("accounts", "add", "wang", *words, "--generate")
    assert code == 2
    assert why in said


def test_an_account_and_a_token_of_a_subdistrict_see_its_cases_only(cityloop: Cityloop, here: Settings) -> None:
    place = ("--role", "acceptor", "--district", "370202", "--subdistrict", "370202001")
    added = cityloop("accounts", "add", "zhao", *place, "--generate", "--json")[1]
    assert (added["level"], added["subdistrict"]) == ("subdistrict", "370202001")
    made = cityloop("tokens", "create", "kiosk", *place, "--scope", "read", "--json")[1]
    fresh = cityloop("tokens", "rotate", made["id"], "--json")[1]
    with office(here) as desk:
        people = [desk.people.accounts()[0].person, *(desk.tokens.find(each["token"]) for each in (made, fresh))]
    scope = Scope(districts=("370202",), subdistricts=("370202001",))
    assert [each and scope_of(each) for each in people] == [scope] * 3
    assert cityloop("accounts", "list", "--json")[1][0]["subdistrict"] == "370202001"


def test_a_password_that_nobody_gives_is_asked_for(cityloop: Cityloop) -> None:
    assert "no password on stdin; pipe it in, or use --generate" in cityloop(*WANG)[2]


def test_a_token_is_created_rotated_revoked_and_shown_once(cityloop: Cityloop, here: Settings) -> None:
    made = cityloop("tokens", "create", "gateway", "--role", "system", "--scope", "report", "--json")[1]
    fresh = cityloop("tokens", "rotate", made["id"], "--json")[1]
    assert cityloop("tokens", "revoke", fresh["id"])[0] == 0
    rows = {row["id"]: row for row in cityloop("tokens", "list", "--json")[1]}
    assert (rows[fresh["id"]]["follows"], bool(rows[fresh["id"]]["revoked_at"]), rows[made["id"]]["scopes"]) == (made["id"], True, "report")
    assert made["token"] not in str(rows)
    with office(here) as desk:
        assert desk.tokens.find(made["token"])
        assert desk.tokens.find(fresh["token"]) is None


def test_a_scope_beyond_the_role_is_refused_with_what_it_may(cityloop: Cityloop) -> None:
    code, _, said = cityloop("tokens", "create", "gateway", "--role", "system", "--scope", "read")
    assert (code, "role system may not read; it may evidence, position, report" in said) == (2, True)


def test_the_journal_is_verified_with_a_public_key_alone_and_what_was_done_to_it_named(
    cityloop: Cityloop, here: Settings, tmp_path: Path
) -> None:
    cityloop(*WANG, "--generate")
    cityloop("accounts", "disable", "wang")
    checkpoint = cityloop("journal", "sign", "--json")[1]
    assert checkpoint["sequence"] == 2
    code, answer, _ = cityloop("journal", "verify", "--public-key", str(tmp_path / "secrets" / "journal.pub"), "--json")
    assert (code, answer["whole"], answer["entries"], answer["unsigned"], len(answer["copies"])) == (0, True, 2, 0, 1)
    with closing(open_database(here)) as database, database.write() as connection:
        connection.execute(text("DROP TRIGGER journal_no_delete"))
        connection.execute(text("DELETE FROM journal WHERE sequence = 2"))
    code, said, _ = cityloop("journal", "verify")
    assert code == 1
    assert "NOT whole" in said
    assert "truncated" in said


def test_a_cases_file_proves_itself_by_the_public_key_until_somebody_changes_it(cityloop: Cityloop, here: Settings, tmp_path: Path) -> None:
    with office(here) as desk:
        for number in (1, 2):
            desk.journal.append("command", "wang", {"case_id": "QD-1", "n": number})
        desk.journal.append("command", "wang", {"case_id": "QD-2"})
        file = {"journal": proofs(desk.journal, "QD-1")}
    path, key = tmp_path / "case.json", ("--public-key", str(tmp_path / "secrets" / "journal.pub"), "--json")
    path.write_text(json.dumps(file))
    assert cityloop("journal", "prove", str(path), *key)[:2] == (0, {"proved": True, "entries": 2, "wrong": []})
    path.write_text(json.dumps(file).replace("wang", "zhao", 1))
    assert cityloop("journal", "prove", str(path), *key)[:2] == (1, {"proved": False, "entries": 2, "wrong": [1]})
    path.write_text("[]")
    assert "is no case's file" in cityloop("journal", "prove", str(path), *key)[2]


def test_another_citys_key_proves_nothing(cityloop: Cityloop, tmp_path: Path) -> None:
    cityloop(*WANG, "--generate")
    cityloop("journal", "sign")
    init_secrets(tmp_path / "other")
    code, answer, _ = cityloop("journal", "verify", "--public-key", str(tmp_path / "other" / "journal.pub"), "--json")
    assert (code, {finding["fault"] for finding in answer["findings"]}) == (1, {"forged"})


def test_a_copy_that_is_not_there_is_named(cityloop: Cityloop) -> None:
    code, _, said = cityloop("journal", "verify", "--copy", "/nowhere/checkpoints")
    assert (code, "there is no copy /nowhere/checkpoints" in said) == (2, True)


def test_secrets_are_made_once_and_a_command_without_them_says_how(
    cityloop: Cityloop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "fresh"
    assert [cityloop("secrets", "init", str(folder), "--json")[1]["made"] for _ in range(2)] == [True, False]
    monkeypatch.delenv("CITYLOOP_SECRETS_DIR")
    code, _, said = cityloop("accounts", "list")
    assert (code, "run `cityloop secrets init" in said) == (2, True)


def test_a_console_without_secrets_refuses_to_start_and_says_the_next_act(cityloop: Cityloop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CITYLOOP_SECRETS_DIR")
    monkeypatch.setenv("CITYLOOP_HTTP_PORT", "0")
    code, _, said = cityloop("console")
    assert (code, "no secrets: CITYLOOP_SECRETS_DIR is not set" in said, "Traceback" in said) == (2, True, False)


def test_the_demo_has_an_account_per_role_that_sees_the_console_and_new_passwords_every_time(cityloop: Cityloop) -> None:
    settings = load_settings()
    first, second = demo_accounts(settings, "sanitation-370202"), demo_accounts(settings, "sanitation-370202")
    assert {each.role for each in first} == set(Role) - BLIND
    with office(settings) as desk:
        for each in second:
            assert not hasattr(desk.people.sign_in(each.account, each.password, "here"), "wait_ms")
        assert [account.person.unit for account in desk.people.accounts() if account.person.role is Role.UNIT] == ["sanitation-370202"]


def test_every_so_many_entries_there_is_a_checkpoint_without_asking(cityloop: Cityloop, here: Settings) -> None:
    with office(here) as desk:
        for _ in range(EVERY):
            desk.journal._join(act("command", "wang", {}))
        desk.journal.append("command", "wang", {})
    answer = cityloop("journal", "verify", "--json")[1]
    assert (answer["whole"], answer["signed_to"], answer["unsigned"]) == (True, EVERY, 1)
