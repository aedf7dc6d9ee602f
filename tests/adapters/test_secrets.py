"""The city's secrets: made once, read strictly, and never a start without them outside the local stack."""

import stat
from pathlib import Path

import pytest

from adapters.secrets import FILES, init_secrets, is_signed, load_secrets, read_secrets
from adapters.stack_state import State, StateFile
from config.settings import Settings
from incidents.errors import UserError


def _settings(folder: Path, **changes: object) -> Settings:
    return Settings.model_validate({"local_dir": folder / "local", "kafka_bootstrap": "kafka:1", "redis_url": "redis://r:1/0", **changes})


def test_secrets_are_made_once_for_this_user_alone_and_never_overwritten(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "secrets"
    assert init_secrets(folder)
    first = read_secrets(folder)
    assert not init_secrets(folder)
    assert read_secrets(folder) == first
    assert len({first.city, first.wrapping, first.journal, first.session}) == 4
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE((folder / file).stat().st_mode) for file in FILES.values()} == {0o600}
    assert [path.name for path in folder.parent.iterdir()] == ["secrets"]


def test_a_role_without_secrets_says_the_next_act(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cityloop secrets init .*CITYLOOP_SECRETS_DIR="):
        load_secrets(_settings(tmp_path))
    with pytest.raises(UserError, match=f"{tmp_path}/none/city.key is missing; run `cityloop secrets init {tmp_path}/none`"):
        load_secrets(_settings(tmp_path, secrets_dir=tmp_path / "none"))


def test_the_local_stack_makes_its_own_but_not_for_engines_elsewhere(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    addresses = {"kafka_bootstrap": settings.kafka_bootstrap, "redis_url": settings.redis_url}
    StateFile(settings.local_dir).save(State(addresses=addresses))
    assert load_secrets(settings) == load_secrets(settings)
    assert (settings.local_dir / "secrets" / "city.key").exists()
    with pytest.raises(UserError, match="no secrets"):
        load_secrets(settings.model_copy(update={"redis_url": "redis://production:6379/0"}))


def test_a_key_that_is_damaged_or_open_to_others_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    init_secrets(folder)
    (folder / "session.key").chmod(0o640)
    with pytest.raises(UserError, match="chmod 600 .*session.key"):
        read_secrets(folder)
    (folder / "session.key").chmod(0o600)
    (folder / "session.key").write_text("c2hvcnQ=\n")
    with pytest.raises(UserError, match="session.key is damaged"):
        read_secrets(folder)


def test_a_signature_holds_for_its_message_and_key_only_and_keys_are_not_printed(tmp_path: Path) -> None:
    init_secrets(tmp_path / "a")
    init_secrets(tmp_path / "b")
    ours, other = read_secrets(tmp_path / "a"), read_secrets(tmp_path / "b")
    signature = ours.sign(b"entry 7")
    assert is_signed(ours.journal_public, b"entry 7", signature)
    assert not is_signed(ours.journal_public, b"entry 8", signature)
    assert not is_signed(other.journal_public, b"entry 7", signature)
    assert repr(ours) == "Secrets()"
