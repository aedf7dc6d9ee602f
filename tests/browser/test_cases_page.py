"""/cases: a table that stands in its address, is worked by keyboard, and tells of every row what an act on many came to."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import complaints
from tests.browser.desk import Desk
from tests.browser.opened import Opened

pytestmark = pytest.mark.browser

OpenDesk = Callable[..., Opened]


def full(desk: Desk) -> list[str]:
    """Sixty cases: forty to file, ten dispatched, ten handled."""
    return [
        desk.open(state, minutes=10 + number, address=f"山东路{number}号")
        for state, count in (("reported", 40), ("dispatched", 10), ("handling", 10))
        for number in range(count)
    ]


def rows(page: Page) -> list[str]:
    """The numbers of the rows that are shown."""
    return page.locator("tbody th a").all_inner_texts()


def test_filters_order_and_columns_stand_in_the_address_and_come_back_with_it(opened: OpenDesk) -> None:
    desk = Desk("shift_lead")
    full(desk)
    page = opened(desk, "/cases?status=dispatched&sort=oldest&columns=case_id,category,channel").page
    expect(page.locator("tbody tr")).to_have_count(10)
    expect(page.locator("thead th")).to_have_text(["", "案号", "类别", "来源"])
    page.get_by_role("button", name="待接单").click()
    page.get_by_role("checkbox", name="处置中").check()
    expect(page.locator("tbody tr")).to_have_count(20)
    assert "status=dispatched&status=handling" in page.url
    page.go_back()
    expect(page.locator("tbody tr")).to_have_count(10)
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("山东路3号")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("button", name="清除筛选").click()
    expect(page.locator(".total")).to_have_text("共 60 件")


def test_a_view_is_saved_by_name_and_shared_as_a_link(opened: OpenDesk) -> None:
    desk = Desk("shift_lead")
    full(desk)
    page = opened(desk, "/cases?status=handling").page
    page.get_by_role("button", name="视图").click()
    page.get_by_role("menuitem", name="保存当前视图…").click()
    page.get_by_label("名称").fill("在办")
    page.keyboard.press("Enter")
    page.goto(page.url.split("?")[0])
    expect(page.locator(".total")).to_have_text("共 60 件")
    page.get_by_role("button", name="视图").click()
    page.get_by_role("menuitemradio", name="在办").click()
    expect(page.locator(".total")).to_have_text("共 10 件")
    assert page.url.endswith("/cases?status=handling")


def test_rows_are_walked_chosen_and_opened_with_the_keyboard_alone(opened: OpenDesk) -> None:
    desk = Desk("shift_lead")
    full(desk)
    page = opened(desk, "/cases").page
    expect(page.locator("tbody tr")).to_have_count(50)
    shown = rows(page)
    for key in ("j", "x", "j", "j", "x", "k"):
        page.keyboard.press(key)
    expect(page.locator("tbody tr.on th a")).to_have_text([shown[0], shown[2]])
    page.keyboard.press("o")
    page.wait_for_url(re.compile(f"/case/{shown[1]}$"))


def test_an_act_on_many_has_an_outcome_per_row_and_the_failed_ones_are_tried_again(opened: OpenDesk) -> None:
    desk = Desk("shift_lead")
    full(desk)
    page = opened(desk, "/cases?status=reported&status=dispatched").page
    expect(page.locator("tbody tr")).to_have_count(50)
    page.locator("tbody tr", has_text="待立案").nth(0).get_by_role("checkbox").check()
    page.locator("tbody tr", has_text="待立案").nth(1).get_by_role("checkbox").check()
    page.locator("tbody tr", has_text="待接单").nth(0).get_by_role("checkbox").check()
    first, second = (page.locator("tbody tr.on", has_text="待立案").nth(place).locator("th a").inner_text() for place in (0, 1))
    page.locator(".bulk").get_by_role("button", name=re.compile("^立案")).click()
    expect(page.locator("dialog")).to_contain_text("另有 1 件所处状态不适用")
    desk.do(second, "note", "acceptor", note="先等等")
    page.clock.install()
    page.locator("dialog button[type=submit]").click()
    page.clock.run_for(10_500)
    outcomes = page.locator(".outcome")
    expect(outcomes.filter(has_text="立案：完成")).to_have_count(1)
    refused = outcomes.filter(has_text="立案：未执行")
    expect(refused).to_contain_text("请重新读取")
    expect(page.locator(f'[data-case="{first}"] .outcome')).to_have_class(re.compile("done"))
    page.get_by_role("button", name="重试 1 件").click()
    expect(refused.or_(outcomes.filter(has_text="等待提交"))).to_have_count(1)


def test_what_others_do_is_seen_in_the_row_and_new_cases_only_counted(opened: OpenDesk) -> None:
    desk = Desk("shift_lead")
    case_id = desk.open("dispatched")
    page = opened(desk, "/cases").page
    expect(page.locator("tbody tr")).to_contain_text("待接单")
    desk.do(case_id, "accept", "unit")
    expect(page.locator("tbody tr")).to_contain_text("处置中")
    desk.open("reported")
    expect(page.locator(".news")).to_have_text("▲ 1 件新案件，点按刷新")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.keyboard.press("r")
    expect(page.locator("tbody tr")).to_have_count(2)


def test_the_filtered_list_is_exported_and_paged(opened: OpenDesk) -> None:
    desk = Desk("shift_lead")
    full(desk)
    page = opened(desk, "/cases").page
    expect(page.locator("tbody tr")).to_have_count(50)
    page.get_by_role("button", name="再显示 50 件").click()
    expect(page.locator("tbody tr")).to_have_count(60)
    page.get_by_role("button", name="导出").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="CSV 表格（60 件）").click()
    assert download.value.suggested_filename == "cases.csv"


@pytest.mark.parametrize(("scheme", "language"), [("light", "zh"), pytest.param("dark", "en", marks=pytest.mark.slow)])
def test_it_is_readable_by_everybody_in_both_languages(opened: OpenDesk, scheme: str, language: str) -> None:
    desk = Desk("shift_lead")
    for state in ("reported", "dispatched", "handling", "checked"):
        desk.open(state)
    place = opened(
        desk,
        f"/cases?lang={language}&columns=case_id,category,state,where,district,unit,due,opened,seen,count,channel,level,sources",
        color_scheme=scheme,
    )
    expect(place.page.locator("tbody tr")).to_have_count(4)
    place.page.keyboard.press("a")
    assert complaints(place.page) == []
    assert not re.search(r"\b(cases|column|list|bulk|views|export)\.[a-z]", place.page.locator("main").inner_text())
