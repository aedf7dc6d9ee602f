"""The pages before the real console and worker: a unit handles on the street without a network, a checker looks, the shift lead closes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from cli.accounts import demo_accounts
from config.settings import Settings
from tests.browser.opened import Opened, photo
from tests.journeys.messages import LAT, LON, facts, of_case, report, send
from tests.journeys.process import Worker

pytestmark = [pytest.mark.browser, pytest.mark.stack]

HERE = {"latitude": LAT, "longitude": LON}
PHONE = {"viewport": {"width": 390, "height": 844}, "permissions": ["geolocation"], "geolocation": HERE}
OFFICE = "water_supply-city"
WITHIN_MS = 60_000


@pytest.fixture
def working(settings: Settings, tmp_path: Path) -> Iterator[None]:
    """A worker in the test's namespace."""
    worker = Worker(settings, (), {}, tmp_path / "worker.log").start()
    yield
    worker.stop()


class Centre:
    """The console, and a browser context for each person who signs in."""

    def __init__(self, browser: Browser, address: str, settings: Settings) -> None:
        self.browser = browser
        self.address = address.rstrip("/")
        self.wrong: list[str] = []
        self.passwords = {str(each.account): each.password for each in demo_accounts(settings, OFFICE)}

    def enter(self, role: str, path: str, **chosen: object) -> Opened:
        """Sign in by the page, then go on."""
        context = self.browser.new_context(**({"locale": "zh-CN", "timezone_id": "Asia/Shanghai", "reduced_motion": "reduce"} | chosen))  # type: ignore[arg-type]  # the context's own words
        place = Opened(context.new_page(), context, self.address, self.wrong)
        place.begin(f"/login?next={path}")
        place.page.get_by_label("账号").fill(role)
        place.page.get_by_label("密码", exact=True).fill(self.passwords[role])
        place.page.keyboard.press("Enter")
        place.page.wait_for_url(f"{self.address}{path}")
        place.page.wait_for_selector("body[data-ready]", timeout=WITHIN_MS)
        return place


def act(page: Page, name: str) -> None:
    """Press an act, and send its dialog."""
    page.get_by_role("button", name=name).first.click()
    page.locator("dialog button[type=submit]").click()


def test_a_unit_handles_by_phone_offline_and_the_shift_lead_closes(
    settings: Settings, working: None, console: Callable[[Settings], str], browser: Browser
) -> None:
    centre = Centre(browser, console(settings), settings)
    send(settings, report(1, category="water_main_burst"))
    told = facts(settings, lambda found: any("dispatched" in each["type"] for each in found))
    case_id = told[0]["data"]["case_id"]

    street = centre.enter("unit", "/field", **PHONE)
    page = street.page
    page.locator(f'[href="#{case_id}"]').click(timeout=WITHIN_MS)
    expect(page.locator("article")).to_contain_text("止水，险情消除")
    street.context.set_offline(True)
    act(page, "接单")
    page.get_by_role("button", name="处置完成").click()
    page.locator("dialog input[type=file]").set_input_files(photo())
    expect(page.locator("dialog .photos")).to_contain_text("含位置")
    page.locator("dialog button[type=submit]").click()
    expect(page.locator(".net b")).to_have_text("2")
    street.context.set_offline(False)
    page.goto(f"{centre.address}/field#box")
    expect(page.locator('[data-state="sent"]')).to_have_count(2, timeout=WITHIN_MS)

    desk = centre.enter("checker", f"/case/{case_id}").page
    expect(desk.locator(".sides img")).to_have_count(1, timeout=WITHIN_MS)
    desk.get_by_role("button", name="核查通过").click()
    desk.locator("dialog input[type=file]").set_input_files(photo("checked"))
    desk.get_by_label("说明").fill("现场核对，水已止住，路面恢复")
    desk.locator("dialog button[type=submit]").click()
    desk.get_by_role("button", name="立即提交").click()
    expect(desk.locator(".case-head")).to_contain_text("待结案", timeout=WITHIN_MS)

    lead = centre.enter("shift_lead", f"/case/{case_id}").page
    act(lead, "结案")
    lead.get_by_role("button", name="立即提交").click()
    expect(lead.locator(".case-head")).to_contain_text("已结案", timeout=WITHIN_MS)
    done = of_case(facts(settings, lambda found: "closed" in of_case(found, case_id)), case_id)
    assert [each for each in done if each in ("accepted", "handled", "check_passed", "closed")] == [
        "accepted",
        "handled",
        "check_passed",
        "closed",
    ]
    assert not centre.wrong


@pytest.mark.slow
def test_a_call_becomes_a_case_whose_caller_only_a_purpose_opens(
    settings: Settings, working: None, console: Callable[[Settings], str], browser: Browser
) -> None:
    centre = Centre(browser, console(settings), settings)
    call = centre.enter("acceptor", "/accept").page
    call.get_by_role("combobox", name="问题类别").fill("dlys")
    call.keyboard.press("Enter")
    call.get_by_label("来电内容").fill("路口撒了一地渣土")
    call.locator(".canvas[data-ready]").click(timeout=WITHIN_MS)
    call.get_by_label("电话").fill("13800138000")
    call.get_by_role("button", name="受理", exact=True).click()
    link = call.locator(".taken a")
    expect(link).to_be_visible(timeout=WITHIN_MS)
    call.goto(f"{centre.address}/case/{link.inner_text()}")
    expect(call.locator("blockquote")).to_contain_text("路口撒了一地渣土", timeout=WITHIN_MS)
    assert "13800138000" not in call.content()
    call.get_by_role("button", name="说明用途后查看").click()
    call.get_by_role("button", name="回访上报人，核实处理结果").click()
    call.locator("dialog button[type=submit]").click()
    expect(call.locator("blockquote")).to_contain_text("13800138000", timeout=WITHIN_MS)

    audit = centre.enter("auditor", "/journal?kind=unsealed").page
    expect(audit.locator("tr[data-kind]")).to_contain_text("回访上报人，核实处理结果", timeout=WITHIN_MS)
    assert not centre.wrong
