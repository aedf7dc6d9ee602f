"""/accept: a call becomes a report as fast as it is heard, its likely duplicates show while it is typed, and the caller stays sealed."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import complaints
from tests.browser.desk import SPOT, Desk
from tests.browser.opened import Opened
from tests.waiting import until

pytestmark = pytest.mark.browser

OpenDesk = Callable[..., Opened]
NO_GL = (
    "HTMLCanvasElement.prototype.getContext = new Proxy(HTMLCanvasElement.prototype.getContext, "
    "{apply: (get, at, said) => said[0] === 'webgl2' ? null : Reflect.apply(get, at, said)})"
)
SET_POINT = (
    "point => sessionStorage.setItem('cityloop.draft call', "
    "JSON.stringify({...JSON.parse(sessionStorage.getItem('cityloop.draft call')), point}))"
)


def told(desk: Desk) -> list[Any]:
    """The reports that were sent."""
    return [body for _, path, _, body in desk.asked if path.endswith("/events")]


def choose(page: Page, typed: str) -> None:
    """Find the category by typing."""
    page.get_by_role("combobox", name="问题类别").fill(typed)
    page.keyboard.press("Enter")


def at_spot(page: Page) -> None:
    """The place set exactly, as a click at the deepest zoom would."""
    page.evaluate(SET_POINT, {"lon": SPOT[0], "lat": SPOT[1], "accuracy_m": 20})
    page.reload()
    page.wait_for_selector("body[data-ready]")


def test_a_call_with_an_address_is_taken_by_keyboard_alone_and_shows_its_case(opened: OpenDesk) -> None:
    desk = Desk("acceptor")
    page = opened(desk, "/accept", NO_GL).page
    choose(page, "dlys")
    page.get_by_label("来电内容").fill("路口撒了一地渣土")
    page.get_by_label("地址").fill("香港中路 10 号")
    page.get_by_label("姓名").fill("刘女士")
    page.get_by_label("电话").fill("13800138000")
    page.keyboard.press("Control+Enter")
    until(lambda: desk.cases, "the case to be opened")
    expect(page.locator(".taken a")).to_have_text(list(desk.cases)[0])
    expect(page.get_by_label("来电内容")).to_have_value("")
    expect(page.get_by_role("combobox", name="问题类别")).to_be_focused()
    report = told(desk)[0]
    assert report["data"] == {
        "category": "road_spillage",
        "channel": "hotline",
        "severity": "normal",
        "description": "路口撒了一地渣土",
        "location": {"address": "香港中路 10 号"},
        "reporter": {"name": "刘女士", "phone": "13800138000"},
    }
    assert report["source"] == "/hotline/acceptor"


def test_likely_duplicates_show_with_distance_and_minutes_and_one_takes_the_callers_words(opened: OpenDesk) -> None:
    desk = Desk("acceptor")
    first, near = desk.open("handling", minutes=40), desk.open("reported", minutes=15, lon=SPOT[0] + 0.0008)
    desk.open("reported", lon=SPOT[0] + 0.02)
    page = opened(desk, "/accept", NO_GL).page
    choose(page, "dlys")
    page.get_by_label("来电内容").fill("就是门口那堆土")
    at_spot(page)
    found = page.locator(".similar li")
    expect(found).to_have_count(2)
    expect(found.nth(1)).to_contain_text("相距 72 米 · 相隔 15 分钟")
    found.nth(0).get_by_role("button", name="是同一件事").click()
    expect(page.locator(".call footer")).to_contain_text(f"将并入 {first}")
    page.get_by_role("button", name="受理并并入").click()
    expect(page.locator(".taken")).to_contain_text(f"→ {first}")
    new = list(desk.cases)[-1]
    assert new not in (first, near)
    assert (desk.cases[new].state, desk.cases[new].merged_into) == ("merged", first)


def test_what_is_missing_is_said_and_a_lost_answer_costs_neither_words_nor_a_second_case(opened: OpenDesk) -> None:
    desk = Desk("acceptor")
    page = opened(desk, "/accept", NO_GL).page
    page.get_by_label("来电内容").fill("路灯不亮")
    page.get_by_role("button", name="受理", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("请先填写：问题类别、位置")
    choose(page, "road_spillage")
    page.get_by_label("地址").fill("山东路 1 号")
    desk.refuse_next("/events", 503, detail="Kafka 没有应答")
    page.get_by_role("button", name="受理", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Kafka 没有应答")
    expect(page.get_by_label("来电内容")).to_have_value("路灯不亮")
    page.get_by_role("button", name="受理", exact=True).click()
    until(lambda: desk.cases, "the case to be opened")
    first, second = told(desk)
    assert (first["id"], first["time"]) == (second["id"], second["time"])


def test_a_place_outside_the_city_is_said_in_words(opened: OpenDesk) -> None:
    desk = Desk("acceptor")
    errors = [{"index": 0, "reason": "out_of_bounds", "path": "data.location", "detail": "lon 119 is out of qingdao"}]
    desk.refuse_next("/events", 422, detail="report 0: …", errors=errors)
    page = opened(desk, "/accept", NO_GL).page
    choose(page, "dlys")
    page.get_by_label("来电内容").fill("路上有土")
    page.get_by_label("地址").fill("别处")
    page.get_by_role("button", name="受理", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("点位在本市之外，请在地图上重新点选。")


def test_the_callers_name_is_never_kept_in_the_browser(opened: OpenDesk) -> None:
    page = opened(Desk("acceptor"), "/accept", NO_GL).page
    page.get_by_label("来电内容").fill("噪音扰民")
    page.get_by_label("电话").fill("13800138000")
    page.reload()
    expect(page.get_by_label("来电内容")).to_have_value("噪音扰民")
    expect(page.get_by_label("电话")).to_have_value("")
    assert "13800138000" not in page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])")


@pytest.mark.parametrize("engine", ["svg", pytest.param("gl", marks=pytest.mark.slow)])
def test_a_click_on_the_map_sets_the_place_and_says_how_exact_it_is(opened: OpenDesk, engine: str) -> None:
    place = opened(Desk("acceptor"), "/accept?lang=en", NO_GL if engine == "svg" else "")
    page = place.page
    page.wait_for_selector(".canvas[data-ready] svg" if engine == "svg" else ".canvas[data-ready] canvas")
    page.locator(".canvas").click(position={"x": 300, "y": 120})
    expect(page.locator(".point.set")).to_contain_text("zoom in and click again")
    assert complaints(place.page) == []


def test_it_is_readable_by_everybody_in_the_dark(opened: OpenDesk) -> None:
    desk = Desk("acceptor")
    desk.open("handling")
    place = opened(desk, "/accept", NO_GL, color_scheme="dark")
    choose(place.page, "dlys")
    at_spot(place.page)
    expect(place.page.locator(".similar li")).to_have_count(1)
    assert complaints(place.page) == []
