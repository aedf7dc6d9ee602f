"""The operations page over the whole product: sign in, watch a case arrive, file it and dispatch it by keyboard, see it handled."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from adapters.secrets import init_secrets
from cli.accounts import DemoAccount, demo_accounts
from config.settings import Settings
from tests.browser.conftest import NewPage
from tests.browser.test_operations import give, press, row
from tests.journeys.messages import command, facts, report, send
from tests.journeys.process import Worker

pytestmark = [pytest.mark.browser, pytest.mark.stack]

WITHIN_MS = 60_000
OFFICE = "sanitation-370202"
LEAD, DISPATCHER = "shift_lead", "dispatcher"


@pytest.fixture
def accounts(settings: Settings) -> dict[str, DemoAccount]:
    """An account per role."""
    assert settings.secrets_dir is not None
    init_secrets(settings.secrets_dir)
    return {each.account: each for each in demo_accounts(settings, OFFICE)}


@pytest.fixture
def worker(settings: Settings, tmp_path: Path) -> Iterator[Worker]:
    """A worker in all its roles."""
    running = Worker(settings, (), {}, tmp_path / "worker.log").start()
    yield running
    running.stop()


def signed_in(page: NewPage, address: str, account: DemoAccount, query: str) -> Page:
    """The operations page of this person, following its feed."""
    desk = page(address, "login", expected=("401",))
    desk.locator("[name=account]").fill(account.account)
    desk.locator("#password").fill(account.password)
    press(desk, "Enter")
    desk.locator(".queue").wait_for()
    desk.goto(address + query)
    expect(desk.locator(".pill")).to_have_attribute("data-mode", "live", timeout=WITHIN_MS)
    return desk


def test_a_case_arrives_and_is_filed_and_dispatched_by_keyboard(
    settings: Settings, worker: Worker, console: Callable[[Settings], str], page: NewPage, accounts: dict[str, DemoAccount]
) -> None:
    address = console(settings)
    lead = signed_in(page, address, accounts[LEAD], "?tab=to_file")
    began = time.monotonic()
    send(settings, report(1, category="littering_from_height"))
    found = facts(settings, lambda told: told)
    case = found[0]["data"]["case_id"]
    expect(row(lead, case)).to_be_visible(timeout=WITHIN_MS)
    print(f"a case was seen {time.monotonic() - began:.1f} s after its report was sent")
    press(lead, "j", "Enter")
    lead.locator(f'.drawer[data-ready="{case}"]').wait_for()
    give(lead, "f")
    lead.locator(".toast").wait_for()
    press(lead, "s")
    expect(lead.locator(".drawer .chip")).to_have_text("待接单", timeout=WITHIN_MS)  # filed by hand, dispatched by rule
    unit = facts(settings, lambda told: any("dispatched" in each["type"] for each in told))[-1]["data"]["case"]["unit"]
    command(settings, case, "return", actor={"id": "worker", "role": "unit", "unit": unit}, reason="不属本单位职责")
    expect(lead.locator(".drawer .chip")).to_have_text("待派遣", timeout=WITHIN_MS)
    expect(lead.locator(".timeline")).to_contain_text("不属本单位职责")

    desk = signed_in(page, address, accounts[DISPATCHER], f"?tab=to_dispatch#/case/{case}")
    desk.locator(f'.drawer[data-ready="{case}"]').wait_for()
    expect(desk.locator(".acts .main")).to_contain_text("派遣")
    press(desk, "d")
    desk.get_by_role("combobox").first.fill("市南区城市管理局")
    press(desk, "Enter", "Enter")
    desk.locator(".toast").wait_for()
    press(desk, "s")
    expect(desk.locator(".drawer .chip")).to_have_text("待接单", timeout=WITHIN_MS)
    expect(lead.locator(".drawer .chip")).to_have_text("待接单", timeout=WITHIN_MS)
