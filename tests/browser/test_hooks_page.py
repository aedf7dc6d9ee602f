"""/hooks: a dispatcher sees who is not reached, what was given up, what is silenced, and who was told of a case."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import complaints
from tests.browser.desk import Desk
from tests.browser.hooks_told import NUMBER, a_bad_day
from tests.browser.opened import Opened

pytestmark = pytest.mark.browser

OpenDesk = Callable[..., Opened]


def a_desk(role: str = "dispatcher") -> Desk:
    """A console on a bad day."""
    desk = Desk(role)
    desk.hooks, desk.notices = a_bad_day()
    return desk


def test_what_is_wrong_is_seen_first_and_says_since_when(opened: OpenDesk) -> None:
    page = opened(a_desk(), "/hooks").page
    expect(page.locator(".figures")).to_contain_text("待送达13最早一条已等 7 分")
    trouble = page.locator(".target")
    expect(trouble).to_have_count(5)
    expect(trouble.filter(has=page.locator(".urgent")).first).to_contain_text("已停用")
    expect(trouble.nth(1)).to_contain_text("熔断")
    expect(trouble.nth(1)).to_contain_text("连续失败 7 次，已 7 分")
    dead = page.get_by_role("region", name="已放弃的通知")
    expect(dead).to_contain_text("对方已停收 HTTP 410")
    expect(dead.get_by_role("link", name=NUMBER).first).to_have_attribute("href", f"/case/{NUMBER}")
    for words in ("山东路铣刨罩面施工", "每天", "生效中", "1 条从未命中", "演练"):
        expect(page.locator("main")).to_contain_text(words)


def test_who_was_told_of_a_case_is_asked_by_its_number_which_stands_in_the_address(opened: OpenDesk) -> None:
    desk = a_desk()
    case_id = desk.open("handling")
    place = opened(desk, "/hooks")
    page = place.page
    page.get_by_label("某案件通知了谁").fill(case_id)
    story = page.locator(".story li")
    expect(story).to_have_count(2)
    expect(story.first).to_contain_text("时段静音")
    expect(story.nth(1)).to_contain_text("首次通知")
    expect(story.nth(1)).to_contain_text("emergency/webhook/1 · 待送")
    assert page.url.endswith(f"/hooks?case={case_id}")
    page.get_by_label("某案件通知了谁").fill("QD-20261121-NOBODY")
    expect(page.get_by_role("alert")).to_be_visible()


def test_that_nobody_decides_is_said_loudly_and_the_page_is_for_who_sees_the_whole_city(opened: OpenDesk) -> None:
    desk = a_desk()
    desk.hooks["dispatching"] = False
    place = opened(desk, "/hooks")
    expect(place.page.get_by_role("alert")).to_contain_text("没有进程在处理通知")
    desk.hooks["dispatching"] = True
    place.page.keyboard.press("r")
    expect(place.page.get_by_role("alert")).to_have_count(0)
    pages = place.page.get_by_role("navigation").first
    expect(pages.get_by_role("link", name="通知")).to_have_attribute("aria-current", "page")
    desk.person["district"] = "370202"
    place.page.reload()
    place.page.wait_for_selector("body[data-ready]")
    expect(pages.get_by_role("link", name="通知")).to_have_count(0)


@pytest.mark.parametrize(("scheme", "language"), [("light", "en"), pytest.param("dark", "zh", marks=pytest.mark.slow)])
def test_it_is_readable_by_everybody_in_both_languages(opened: OpenDesk, scheme: str, language: str) -> None:
    desk = a_desk()
    case_id = desk.open("handling")
    place = opened(desk, f"/hooks?lang={language}&case={case_id}", color_scheme=scheme)
    expect(place.page.locator(".story li")).to_have_count(2)
    assert complaints(place.page) == []
    assert not re.search(r"\b(hooks|notice|protocol)\.[a-z]", place.page.locator("main").inner_text())
