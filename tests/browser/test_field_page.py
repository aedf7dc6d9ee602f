"""/field on a phone: tasks in words, the next act under the thumb, and nothing lost when the network is."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from console.shells import PAGES, shell
from tests.browser.conftest import complaints
from tests.browser.desk import OFFICE, SPOT, Desk
from tests.browser.opened import Opened, photo
from tests.waiting import until

pytestmark = pytest.mark.browser

PHONE = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "permissions": ["geolocation"],
    "geolocation": {"latitude": SPOT[1] - 0.0045, "longitude": SPOT[0]},
}
OpenDesk = Callable[..., Opened]


@pytest.fixture
def phone(opened: OpenDesk) -> OpenDesk:
    """`phone(desk)`: the page on a phone that knows where it is."""
    return lambda desk, path="/field", **context: opened(desk, path, **(PHONE | context))


def button(page: Page, name: str) -> Any:
    """A button of the page or of the sheet."""
    return page.get_by_role("button", name=name, exact=True)


def commands(desk: Desk) -> list[tuple[str, str, str]]:
    """What the desk was told: (case, command, idempotency key)."""
    return [
        (path.split("/")[4], body["type"], headers["idempotency-key"])
        for _, path, headers, body in desk.asked
        if path.endswith("/commands")
    ]


def handle(page: Page, note: str = "") -> None:
    """Report the open task as handled, with a photo."""
    button(page, "处置完成").click()
    page.locator("dialog input[type=file]").set_input_files(photo())
    expect(page.locator("dialog .photos img")).to_have_count(1)
    if note:
        page.get_by_label("说明").fill(note)
    page.locator("dialog button[type=submit]").click()
    expect(page.locator("dialog")).to_have_count(0)


def test_tasks_come_by_due_time_in_words_with_distance_and_direction(phone: OpenDesk) -> None:
    desk = Desk("unit")
    later, urgent = desk.open("handling"), desk.open("dispatched", category="manhole_cover", condition="missing", minutes=35)
    page = phone(desk).page
    cards = page.locator(".task")
    expect(cards).to_have_count(2)
    assert [cards.nth(n).get_attribute("href") for n in range(2)] == [f"#{urgent}", f"#{later}"]
    expect(cards.nth(0)).to_contain_text(re.compile(r"剩 1 小时 \d+ 分.*11月21日周六 \d\d:\d\d"))
    expect(cards.nth(0)).to_contain_text("向北 500 米")
    cards.nth(1).click()
    for words in ("路面清理干净，恢复通行", "路面保洁归本区环卫", later):
        expect(page.locator("article")).to_contain_text(words)


def test_in_a_fast_city_a_photo_tells_the_camera_s_time_which_the_server_puts_on_the_city_s_clock(phone: OpenDesk) -> None:
    desk = Desk("unit")
    desk.speed = 600.0
    case_id = desk.open("handling")
    before = datetime.now(UTC) - timedelta(minutes=1)
    page = phone(desk, f"/field#{case_id}").page
    handle(page, "已清扫")
    until(lambda: desk.cases[case_id].state == "checking", "the case to be handled")
    captured_at = desk.cases[case_id].handled_evidence[0].captured_at
    assert captured_at is not None and before <= captured_at <= datetime.now(UTC)


def test_a_unit_accepts_and_reports_handled_with_a_photo_that_knows_its_place(phone: OpenDesk) -> None:
    desk = Desk("unit")
    case_id = desk.open("dispatched")
    page = phone(desk, f"/field#{case_id}").page
    button(page, "接单").click()
    page.locator("dialog button[type=submit]").click()
    expect(page.locator(".one .state")).to_have_text("处置中")
    handle(page, "已清扫")
    until(lambda: desk.cases[case_id].state == "checking", "the case to be handled")
    evidence = desk.cases[case_id].handled_evidence[0]
    assert evidence.sha256 in desk.pictures
    assert (evidence.lon, round(evidence.lat or 0, 4)) == (SPOT[0], round(SPOT[1] - 0.0045, 4))
    assert (evidence.captured_at or desk.now) >= (desk.cases[case_id].dispatched_at or desk.now)
    expect(page.locator(".task")).to_have_count(0)
    expect(page.locator("main")).to_contain_text("没有待办任务")


def test_what_is_done_without_a_network_survives_a_killed_tab_and_goes_in_order_with_the_same_ids(phone: OpenDesk) -> None:
    desk = Desk("unit")
    case_id, other = desk.open("dispatched"), desk.open("dispatched", lon=SPOT[0] + 0.01)
    place = phone(desk)
    page = place.page
    until(lambda: page.evaluate("!!navigator.serviceWorker.controller"), "the page to be kept for later")
    place.context.set_offline(True)
    page.goto(f"{place.address}/field#{case_id}")
    button(page, "接单").click()
    page.locator("dialog button[type=submit]").click()
    handle(page)
    page.locator(f'[href="#{other}"]').click()
    button(page, "退单").click()
    page.get_by_role("button", name="位置有误，找不到").click()
    page.locator("dialog button[type=submit]").click()
    expect(page.locator(".tabs b").nth(1)).to_have_text("3")
    page.close()

    again = place.open("/field#box")
    waiting = again.locator('[data-state="waiting"]')
    expect(waiting).to_have_count(3)
    expect(waiting.nth(1)).to_contain_text("处置完成")
    expect(waiting.nth(1)).to_contain_text("等待同一案件的上一项")
    expect(waiting.nth(2)).to_contain_text("等待网络")
    assert not commands(desk)
    place.context.set_offline(False)
    expect(again.locator('[data-state="sent"]')).to_have_count(3)
    assert [sent[:2] for sent in commands(desk)] == [(case_id, "accept"), (case_id, "report_handled"), (other, "return")]
    assert desk.cases[other].state == "filed"


def test_a_command_whose_answer_was_lost_is_sent_again_under_its_id_and_moves_nothing_twice(phone: OpenDesk) -> None:
    desk = Desk("unit")
    case_id = desk.open("dispatched")
    desk.refuse_next("/commands", 503, detail="nobody answered")
    page = phone(desk, f"/field#{case_id}").page
    button(page, "接单").click()
    page.locator("dialog button[type=submit]").click()
    until(lambda: len(commands(desk)) == 2, "the command to be sent again")
    first, second = commands(desk)
    assert first == second
    until(lambda: desk.cases[case_id].state == "handling", "the case to be accepted")


def test_a_refusal_is_told_in_words_holds_back_what_follows_and_is_the_persons_to_decide(phone: OpenDesk) -> None:
    desk = Desk("unit")
    case_id = desk.open("dispatched")
    place = phone(desk, f"/field#{case_id}")
    page = place.page
    place.context.set_offline(True)
    button(page, "接单").click()
    page.locator("dialog button[type=submit]").click()
    handle(page)
    desk.do(case_id, "transfer", "dispatcher", level="city")
    place.context.set_offline(False)
    page.locator(".tabs a").nth(1).click()
    refused = page.locator('[data-state="refused"]')
    expect(refused).to_have_count(1)
    expect(refused).to_contain_text("案件处于待派遣")
    expect(refused).to_contain_text("dispatcher")
    expect(refused).to_contain_text(re.compile("案件现在.*待派遣"))
    assert [sent[1] for sent in commands(desk)] == ["accept"]
    refused.get_by_role("button", name="放弃此项").click()
    expect(refused).to_have_count(0)
    page.locator('[data-state="waiting"]').get_by_role("button", name="撤回").click()
    expect(page.locator("main")).to_contain_text("没有待发送的内容")


def test_what_is_missing_is_said_before_it_is_sent_and_stays_typed(phone: OpenDesk) -> None:
    desk = Desk("unit")
    page = phone(desk, f"/field#{desk.open('handling')}").page
    button(page, "处置完成").click()
    page.get_by_label("说明").fill("快完成了")
    page.locator("dialog button[type=submit]").click()
    expect(page.get_by_role("alert")).to_contain_text("请先填写：照片")
    page.keyboard.press("Escape")
    button(page, "处置完成").click()
    expect(page.get_by_label("说明")).to_have_value("快完成了")
    assert not commands(desk)


def test_another_person_on_the_same_phone_sees_and_sends_nothing_of_the_first(phone: OpenDesk) -> None:
    desk = Desk("unit")
    case_id = desk.open("dispatched")
    place = phone(desk, f"/field#{case_id}")
    place.context.set_offline(True)
    button(place.page, "接单").click()
    place.page.locator("dialog button[type=submit]").click()
    expect(place.page.locator(".tabs b, .net b").first).to_have_text("1")
    desk.person = desk.person | {"id": "zhangwei", "name": "张伟", "unit": "gas-370202"}
    place.context.set_offline(False)
    page = place.open("/field#box")
    expect(page.locator(".bar")).to_contain_text("张伟")
    expect(page.locator("main")).to_contain_text("他人未发送的 1 项")
    expect(page.locator(".item")).to_have_count(0)
    assert not commands(desk)


def test_a_lost_session_keeps_everything_and_shows_the_way_back(phone: OpenDesk) -> None:
    desk = Desk("unit")
    case_id = desk.open("dispatched")
    page = phone(desk, f"/field#{case_id}").page
    desk.signed_in = False
    button(page, "接单").click()
    page.locator("dialog button[type=submit]").click()
    expect(page.locator(".notice")).to_contain_text("登录已失效")
    expect(page.get_by_role("link", name="登录")).to_have_attribute("href", "/login?next=%2Ffield")
    desk.signed_in = True
    page.reload()
    until(lambda: desk.cases[case_id].state == "handling", "what was kept to be sent")


@pytest.mark.parametrize(
    ("role", "state", "act", "after"), [("checker", "checking", "Pass check", "closed"), ("collector", "verifying", "Found", "reported")]
)
def test_checkers_and_collectors_work_in_english_by_keyboard_alone(phone: OpenDesk, role: str, state: str, act: str, after: str) -> None:
    desk = Desk(role)
    case_id = desk.open("checking" if state == "checking" else "reported")
    if state == "verifying":
        desk.do(case_id, "verify", "acceptor")
    page = phone(desk, "/field?lang=en", geolocation={"latitude": SPOT[1], "longitude": SPOT[0]}).page
    page.locator(".task").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=2)).to_be_focused()
    button(page, act).focus()
    page.keyboard.press("Enter")
    page.locator("dialog input[type=file]").set_input_files(photo())
    expect(page.locator("dialog img")).to_have_count(1)
    page.locator("dialog button[type=submit]").focus()
    page.keyboard.press("Enter")
    until(lambda: desk.cases[case_id].state == after, f"the case to be {after}")
    assert not re.search(r"\b(field|box|task|ask|command)\.\w", page.locator("body").inner_text())


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_every_view_is_readable_by_everybody(phone: OpenDesk, scheme: str) -> None:
    desk = Desk("unit")
    case_id = desk.open("handling")
    place = phone(desk, color_scheme=scheme)
    page = place.page
    assert complaints(place.page) == []
    page.locator(".task").click()
    assert complaints(place.page) == []
    button(page, "处置完成").click()
    assert complaints(place.page) == []
    page.keyboard.press("Escape")
    place.context.set_offline(True)
    handle(page)
    page.goto(f"{place.address}/field#box")
    expect(page.locator(".item")).to_have_count(1)
    assert complaints(place.page) == []
    assert desk.cases[case_id].unit == OFFICE
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_worker_keeps_every_file_that_the_page_is_made_of() -> None:
    static = Path("console/static")
    html, listed = shell(PAGES["/field"]), json.loads((static / "field/shell.json").read_text("utf-8"))
    modules = json.loads(re.findall(r'importmap">(.*?)</script>', html)[0])["imports"]
    waiting, found = (
        [path[1:] for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', html)]
        + [f"static/labels/{lang}.json" for lang in ("zh", "en")],
        set(),
    )
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        if path.endswith(("js", "mjs")):
            named = re.findall(r'(?:from|import)\s*"([^"]+)"', (static.parent / path).read_text("utf-8"))
            beside = (static.parent / path).resolve().parent
            waiting += [
                modules[name][1:] if name in modules else str((beside / name).resolve().relative_to(static.parent.resolve()))
                for name in named
            ]
    assert listed == sorted(found), "console/static/field/shell.json is not what /field imports"
