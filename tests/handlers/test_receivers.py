"""Targets of hooks.toml with their secrets: from files, from the environment, and what the local stack makes itself."""

import stat
from pathlib import Path

import pytest

from config.load import load_folder
from config.load_hooks import load_hooks
from config.settings import ROOT, Settings
from handlers.channel import Profile
from handlers.receivers import Targets, kinds, names_of, receivers_of
from handlers.robots import robot_of
from incidents.catalogue import City
from incidents.errors import UserError
from incidents.hooks import Hooks
from tests.handlers.channels.notices import notice


@pytest.fixture(scope="module")
def city() -> City:
    """Qingdao."""
    return load_folder(ROOT / "config" / "cities" / "qingdao")


@pytest.fixture(scope="module")
def hooks(city: City) -> Hooks:
    """Qingdao's own."""
    found = load_hooks(Settings(city="qingdao"), city, kinds())
    assert found is not None
    return found


def test_the_local_stack_makes_the_secrets_that_are_missing_once(city: City, hooks: Hooks, tmp_path: Path) -> None:
    """For nobody else to read; a robot is where the other targets of this machine are."""
    settings = Settings(local_dir=tmp_path, secrets_dir=None)
    targets, again = (Targets(settings, city).of(hooks) for _ in range(2))
    assert targets == again
    desk = targets["desk/webhook/0"]
    assert desk.secrets[0].startswith("whsec_")
    assert stat.S_IMODE((tmp_path / "secrets" / "hooks" / "desk").stat().st_mode) == 0o600
    assert robot_of(targets["chat/dingtalk/0"]) == ("http://127.0.0.1:8090/dingtalk", "")
    emergency = targets["emergency/webhook/0"]
    assert (emergency.profile, emergency.fallback) == (Profile.URGENT, ("chat/dingtalk/0",))
    assert receivers_of(hooks, targets, {}).operations == names_of(hooks)["operations"] == ("operations/webhook/0",)
    assert desk.secrets[0] not in repr(targets)


@pytest.mark.parametrize(("limited", "minute"), [(True, 18), (False, 0)])
def test_whoever_listens_to_a_simulated_city_has_no_limits(city: City, hooks: Hooks, tmp_path: Path, limited: bool, minute: int) -> None:
    """Or a day in minutes would wait for a robot's minute."""
    targets = Targets(Settings(local_dir=tmp_path, secrets_dir=None), city).of(hooks)
    [order] = receivers_of(hooks, targets, {}, limited=limited).orders(notice(), ["chat/dingtalk/0"])
    assert (order.minute, order.second) == (minute, 0)


def test_elsewhere_a_missing_secret_is_a_person_s_matter(city: City, hooks: Hooks, tmp_path: Path) -> None:
    """The target and the file are named, and nothing is made."""
    with pytest.raises(UserError, match=r"target desk/webhook/0: cannot read .*/desk \(FileNotFoundError\); put its secret there"):
        Targets(Settings(secrets_dir=tmp_path), city).of(hooks)
    assert list(tmp_path.iterdir()) == []


def test_secrets_and_addresses_come_from_files_or_the_environment(city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest secret first; an address with a token in it is a secret too, and a wrong one is told without it."""
    monkeypatch.setenv("HOOK_OLD", "whsec_old")
    (tmp_path / "new").write_text("whsec_new\n")
    (tmp_path / "address").write_text("https://a.example/token\n")
    targets = Targets(Settings(secrets_dir=tmp_path), city)
    target = targets.build("desk/webhook/0", "webhook", {"url_file": "address", "secret_file": ["new", "env:HOOK_OLD"]})
    assert (target.secrets, target.settings.model_dump()) == (("whsec_new", "whsec_old"), {"url": "https://a.example/token"})
    (tmp_path / "address").write_text("not-to-be-seen")
    with pytest.raises(UserError) as error:
        targets.build("desk/webhook/0", "webhook", {"url_file": "address"})
    assert "not-to-be-seen" not in str(error.value)
    with pytest.raises(UserError, match="env:HOOK_NEW is empty or not set"):
        targets.build("desk/webhook/0", "webhook", {"url": "https://a.example/", "secret_file": "env:HOOK_NEW"})
    with pytest.raises(UserError, match="'pigeon' is no kind of target"):
        targets.build("desk/pigeon/0", "pigeon", {})
