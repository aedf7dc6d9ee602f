"""/case/{id}: everything of a case, only the acts that are valid, nothing typed is ever lost, and what is personal stays closed."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import complaints
from tests.browser.desk import SPOT, Desk
from tests.browser.opened import Opened, photo
from tests.browser.standin_city import NOW
from tests.incidents.reporting import qingdao
from tests.waiting import until

pytestmark = pytest.mark.browser

OpenDesk = Callable[..., Opened]


def button(page: Page, name: str) -> Any:
    """An act of the bar, whatever number stands behind its name."""
    return page.locator(".acts button", has_text=re.compile(rf"^\s*{re.escape(name)}\s*\d?\s*$"))


def submit(page: Page) -> None:
    """Send the dialog."""
    page.locator("dialog button[type=submit]").click()


def given(desk: Desk) -> list[Any]:
    """The commands that the desk was sent."""
    return [body for _, path, _, body in desk.asked if path.endswith("/commands")]


def rich(desk: Desk, state: str = "checked") -> str:
    """A case with a resident's words, a likely duplicate and pictures before and after."""
    other = desk.open("reported", minutes=140, lon=SPOT[0] + 0.0012, source="/cameras/9")
    case_id = desk.open(state, minutes=200, description="路面散落渣土约三米，占用慢车道。")
    desk.speak(case_id, "路口有一大堆土，电动车都绕着走", minutes=60)
    desk.cases[case_id] = desk.cases[case_id].model_copy(update={"suggested": (other,)})
    return case_id


def test_a_case_is_shown_whole(opened: OpenDesk) -> None:
    desk = Desk("shift_lead")
    case_id = rich(desk)
    desk.presence = [{"person": "dispatcher", "name": "李强", "doing": "handling"}]
    page = opened(desk, f"/case/{case_id}").page
    expect(page.get_by_role("heading", level=1)).to_contain_text("供水管道破裂")
    for words in (
        "李强 正在处理",
        "香港中路 10 号门前",
        "路面散落渣土约三米",
        "止水，险情消除",
        "路面保洁归本区环卫",
        "路口有一大堆土",
        "同一地点 · 12 m 340 s",
        "相距 108 米 · 相隔 60 分钟",
    ):
        expect(page.locator("main")).to_contain_text(words)
    expect(page.locator(".sides img")).to_have_count(3)
    expect(page.locator(".shot figcaption").first).to_contain_text("距案件 9 米")
    expect(page.locator(".masked")).to_have_count(2)
    assert "刘女士" not in page.content()


def test_the_deadline_tells_every_interval_that_counted_and_why(opened: OpenDesk) -> None:
    desk = Desk("shift_lead")
    page = opened(desk, f"/case/{desk.open('handling', minutes=60)}").page
    page.locator("button.ring").click()
    rows = page.locator("dialog .spans tbody tr")
    expect(page.locator("dialog")).to_contain_text("4 工作时")
    expect(rows.filter(has_text="周末").first).to_be_visible()
    expect(rows.filter(has_text="工作时间").last).to_contain_text("4 小时 0 分")


@pytest.mark.parametrize(
    ("language", "why"),
    [("zh", "规则未能自动立案：城市日历没有 {year} 年"), ("en", "Not filed by rule: the calendar does not know {year}")],
)
def test_a_case_that_no_rule_could_file_says_why(opened: OpenDesk, language: str, why: str) -> None:
    calendar = qingdao().calendar
    assert calendar is not None
    last = max(calendar.known)
    desk = Desk("shift_lead", now=datetime(last, 12, 31, 9, tzinfo=UTC))
    page = opened(desk, f"/case/{desk.open('reported')}?lang={language}").page
    expect(page.locator(".unfiled")).to_contain_text(why.format(year=last + 1))


def test_only_valid_acts_are_offered_and_each_waits_ten_seconds_to_be_taken_back(opened: OpenDesk) -> None:
    desk = Desk("shift_lead")
    case_id = rich(desk)
    page = opened(desk, f"/case/{case_id}").page
    page.clock.install()
    expect(page.locator(".acts > button")).to_have_text([re.compile("^结案"), re.compile("核查不通过"), re.compile("改类别")])
    page.keyboard.press("1")
    page.get_by_label("说明").fill("现场已恢复")
    submit(page)
    page.keyboard.press("z")
    expect(page.get_by_label("说明")).to_have_value("现场已恢复")
    assert not given(desk)
    submit(page)
    page.clock.run_for(10_500)
    expect(page.locator(".case-head")).to_contain_text("已结案")
    assert given(desk) == [{"type": "close", "note": "现场已恢复"}]
    expect(page.locator(".event").first).to_contain_text("结案")


def test_an_emergency_that_waits_for_somebody_is_dispatched_at_once(opened: OpenDesk) -> None:
    desk = Desk("dispatcher")
    case_id = desk.open("filed", category="water_main_burst")
    page = opened(desk, f"/case/{case_id}").page
    button(page, "派遣").click()
    page.get_by_role("combobox", name="处置部门").fill("gsqx")
    page.keyboard.press("Enter")
    page.clock.install(time=NOW)
    page.clock.pause_at(NOW + timedelta(seconds=1))  # the ten seconds in which other commands can be undone would never pass
    submit(page)
    expect(page.locator(".unit .who")).to_contain_text("青岛市供水抢修中心")


def test_what_is_held_goes_when_the_page_goes(opened: OpenDesk) -> None:
    desk = Desk("shift_lead")
    case_id = rich(desk)
    page = opened(desk, f"/case/{case_id}").page
    page.keyboard.press("1")
    submit(page)
    expect(page.locator(".acts.held")).to_be_visible()
    page.goto("about:blank")
    until(lambda: desk.cases[case_id].state == "closed", "the case to be closed")


def test_a_conflict_says_who_changed_what_and_keeps_what_was_typed(opened: OpenDesk) -> None:
    desk = Desk("shift_lead")
    case_id = rich(desk, "reported")
    page = opened(desk, f"/case/{case_id}").page
    button(page, "不予立案").click()
    page.get_by_label("原因").fill("现场没有发现渣土")
    submit(page)
    desk.do(case_id, "note", "acceptor", note="来电人再次催促")
    page.get_by_role("button", name="立即提交").click()
    conflict = page.locator(".conflict")
    expect(conflict).to_contain_text("acceptor")
    expect(conflict).to_contain_text("备注")
    expect(page.get_by_label("原因")).to_have_value("现场没有发现渣土")
    submit(page)
    page.get_by_role("button", name="立即提交").click()
    expect(page.locator(".case-head")).to_contain_text("不予立案")
    assert [each["type"] for each in given(desk)] == ["not_file", "not_file"]


def test_a_dispatcher_finds_a_unit_by_the_initials_of_its_name_with_the_keyboard(opened: OpenDesk) -> None:
    desk = Desk("dispatcher")
    case_id = desk.open("filed")
    page = opened(desk, f"/case/{case_id}").page
    expect(page.locator(".acts > button").first).to_be_visible()
    page.keyboard.press("1")
    page.get_by_role("combobox", name="处置部门").fill("snqhjws")
    page.keyboard.press("Enter")
    page.get_by_role("combobox", name="协办部门").fill("Shinan Law")
    page.keyboard.press("Enter")
    page.locator("dialog button[type=submit]").press("Enter")
    page.get_by_role("button", name="立即提交").click()
    expect(page.locator(".unit .who")).to_contain_text("市南区环境卫生服务中心")
    assert given(desk) == [{"type": "dispatch", "unit": "sanitation-370202", "assisting": ["law_enforcement-370202"]}]


def test_a_checker_passes_with_a_photo_that_is_stored_first(opened: OpenDesk) -> None:
    desk = Desk("checker")
    case_id = desk.open("checking")
    page = opened(desk, f"/case/{case_id}").page
    button(page, "核查通过").click()
    submit(page)
    expect(page.get_by_role("alert")).to_contain_text("请先填写：照片")
    page.locator("dialog input[type=file]").set_input_files(photo())
    submit(page)
    page.get_by_role("button", name="立即提交").click()
    expect(page.locator(".case-head")).to_contain_text("已结案")
    assert desk.cases[case_id].check_evidence[0].sha256 in desk.pictures


def test_personal_data_opens_only_with_a_purpose_and_closes_again(opened: OpenDesk) -> None:
    desk = Desk("shift_lead")
    page = opened(desk, f"/case/{rich(desk)}").page
    page.get_by_role("button", name="说明用途后查看").click()
    page.get_by_label("用途").fill("看看")
    submit(page)
    expect(page.get_by_role("alert")).to_contain_text("至少 10 个字")
    page.get_by_role("button", name="回访上报人，核实处理结果").click()
    submit(page)
    expect(page.locator("blockquote")).to_contain_text("刘女士")
    assert desk.journal[0]["what"]["purpose"].endswith("回访上报人，核实处理结果")
    page.get_by_role("button", name="重新隐藏").click()
    expect(page.locator("blockquote")).not_to_contain_text("刘女士")


def test_suggestions_are_decided_and_merged_cases_taken_apart(opened: OpenDesk) -> None:
    desk = Desk("acceptor")
    case_id = rich(desk, "reported")
    merged = desk.open("reported", source="/cameras/11", lon=SPOT[0] + 0.0003)
    desk.do(merged, "merge", "acceptor", into=case_id)
    desk.cases[case_id] = desk.cases[case_id].model_copy(update={"merged_from": (merged,)})
    page = opened(desk, f"/case/{case_id}").page
    page.get_by_role("button", name="不是重复").click()
    submit(page)
    page.get_by_role("button", name="立即提交").click()
    expect(page.locator(".suggestions")).to_have_count(0)
    page.get_by_role("button", name="撤销并案").click()
    page.get_by_role("button", name="不是同一件事").click()
    submit(page)
    page.get_by_role("button", name="立即提交").click()
    until(lambda: desk.cases[merged].state == "reported", "the cases to be apart again")


def test_the_page_follows_its_case_and_keeps_the_place_of_the_reader(opened: OpenDesk) -> None:
    desk = Desk("shift_lead")
    case_id = desk.open("dispatched")
    page = opened(desk, f"/case/{case_id}?events=all#e1").page
    expect(page.locator("#e1")).to_have_class(re.compile(r"\bon\b"))
    page.locator("#note").fill("还没写完")
    desk.do(case_id, "accept", "unit")
    expect(page.locator(".case-head")).to_contain_text("处置中")
    expect(page.locator("#note")).to_have_value("还没写完")


@pytest.mark.parametrize("path", ["/case/QD-20261121-0000000000", "/case/nonsense"])
def test_an_unknown_case_says_what_to_do(opened: OpenDesk, path: str) -> None:
    page = opened(Desk("shift_lead"), path).page
    expect(page.locator("main")).to_contain_text("案号可能有误，或不在您的权限范围内")


@pytest.mark.parametrize(("scheme", "language"), [("light", "zh"), pytest.param("dark", "en", marks=pytest.mark.slow)])
def test_it_is_readable_by_everybody_in_both_languages(opened: OpenDesk, scheme: str, language: str) -> None:
    desk = Desk("shift_lead")
    place = opened(desk, f"/case/{rich(desk)}?lang={language}", color_scheme=scheme)
    expect(place.page.locator(".sides img")).to_have_count(3)
    assert complaints(place.page) == []
    assert not re.search(
        r"\b(act|ask|command|evidence|facts|story|timeline|unit|seal|case|suggest)\.[a-z]", place.page.locator("main").inner_text()
    )
    place.page.keyboard.press("2")
    assert complaints(place.page) == []
    place.page.keyboard.press("Escape")
    place.page.locator("button.ring").click()
    assert complaints(place.page) == []
    place.page.keyboard.press("Escape")
    place.page.emulate_media(media="print")
    expect(place.page.locator(".acts")).to_be_hidden()
    expect(place.page.locator(".on-paper .spans")).to_be_visible()
