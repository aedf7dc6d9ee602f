"""What a person does at the operations page: the queue by keyboard, commands with undo, conflicts, bulk, triage, the address; stand-in."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import NewPage, Serve
from tests.waiting import until

pytestmark = pytest.mark.browser

LISTEN = """() => {
  window.heard = 0;
  OscillatorNode.prototype.start = () => { window.heard += 1; };
  OscillatorNode.prototype.stop = () => {};
}"""


def row(page: Page, case_id: str) -> Locator:
    """The case's row of the queue."""
    return page.locator(f'.row[data-case="{case_id}"]')


def ids(page: Page) -> list[str]:
    """The rows on the screen from above."""
    found: list[str] = page.locator(".row").evaluate_all(
        "rows => rows.sort((a, b) => a.offsetTop - b.offsetTop).map(row => row.dataset.case)"
    )
    return found


def press(page: Page, *keys: str) -> None:
    """One key after the other."""
    for key in keys:
        page.keyboard.press(key)


def give(page: Page, key: str) -> None:
    """Give the open case a command that needs nothing."""
    page.keyboard.press(key)
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)


def opened(page: Page) -> None:
    """Open the first case of the queue by keyboard and wait for its drawer."""
    expect(page.locator(".row").first).to_be_visible()
    press(page, "j", "Enter")
    page.locator(".drawer[data-ready]").wait_for()


def test_a_case_is_filed_and_dispatched_by_keyboard_alone(standin: Serve, page: NewPage) -> None:
    world, address = standin()
    case = world.add(9001, category="road_spillage", district="370202", severity="emergency")["case_id"]
    desk = page(address, "?tab=to_file")
    opened(desk)
    give(desk, "f")
    expect(row(desk, case)).to_contain_text("已立案")
    expect(desk.locator(".drawer .chip")).to_have_text("待派遣")
    expect(desk.locator(".acts .main")).to_contain_text("派遣")
    press(desk, "d")
    desk.get_by_role("combobox").first.fill("市南区环境")
    press(desk, "Enter", "Enter")
    expect(desk.locator(".drawer .chip")).to_have_text("待接单")
    assert [(told["type"], told.get("unit")) for told in world.commands] == [("file", None), ("dispatch", "sanitation-370202")]
    assert all(told["key"] and told["if_match"] for told in world.commands)


def test_the_drawer_says_why_no_rule_filed_a_case(standin: Serve, page: NewPage) -> None:
    world, address = standin()
    world.unfiled[world.add(9001)["case_id"]] = "城市日历没有 2027 年 / the calendar does not know 2027"
    desk = page(address, "?tab=to_file")
    opened(desk)
    expect(desk.locator(".drawer .notice")).to_have_text("规则未能自动立案：城市日历没有 2027 年。")
    give(desk, "v")
    expect(desk.locator(".drawer .notice")).to_have_count(0)


def test_a_command_can_be_taken_back_for_ten_seconds(standin: Serve, page: NewPage) -> None:
    world, address = standin()
    case = world.add(9001, severity="normal")["case_id"]
    desk = page(address, "?tab=to_file")
    opened(desk)
    give(desk, "v")
    expect(row(desk, case)).to_contain_text("即将派员核实")
    desk.get_by_role("button", name="撤销").click()
    expect(row(desk, case)).not_to_contain_text("即将")
    assert world.commands == []
    give(desk, "v")
    desk.locator(".toast .button").wait_for()
    press(desk, "s")
    until(lambda: len(world.commands) == 1, "the command to be sent")


def test_what_is_held_is_sent_by_itself_and_when_the_page_goes(standin: Serve, page: NewPage) -> None:
    world, address = standin()
    for number in (9001, 9002):
        world.add(number, severity="minor")
    desk = page(address, "?tab=to_file")
    opened(desk)
    desk.clock.install()
    give(desk, "v")
    desk.locator(".toast .button").wait_for()
    desk.clock.fast_forward(10_100)
    until(lambda: len(world.commands) == 1, "the command to be sent after ten seconds")
    press(desk, "j")
    desk.locator(".acts kbd").first.wait_for()
    give(desk, "v")
    desk.locator(".toast .button").wait_for()
    desk.goto("about:blank")
    until(lambda: len(world.commands) == 2, "the command to be sent when the page goes")


def test_a_conflict_says_who_came_between_and_keeps_what_was_typed(standin: Serve, page: NewPage) -> None:
    world, address = standin()
    case = world.add(9001, severity="emergency")["case_id"]
    changed = {"fact": "voided", "actor": {"id": "li.qiang", "role": "shift_lead"}, "at": "2026-11-21T01:29:00Z"}
    world.refusals.append((409, {"reason": "案件已作废", "state": "void", "revision": 7, "changed": changed}))
    desk = page(address, "?tab=to_file", expected=("409",))
    opened(desk)
    press(desk, "r")
    desk.locator("textarea").first.fill("照片里没有违规")
    desk.get_by_role("dialog").get_by_role("button", name="不予立案", exact=True).click()
    dialog = desk.get_by_role("dialog")
    expect(dialog).to_contain_text("li.qiang")
    expect(dialog).to_contain_text("案件已作废")
    expect(dialog).to_contain_text("09:29")
    expect(desk.locator("textarea").first).to_have_value("照片里没有违规")
    dialog.get_by_role("button", name="仍要不予立案").click()
    until(lambda: bool(world.commands), "the second try")
    assert (world.commands[0]["case_id"], world.commands[0]["if_match"]) == (case, '"7"')


def test_the_queue_stands_still_under_the_hand_and_says_what_is_new(standin: Serve, page: NewPage) -> None:
    world, address = standin()
    desk = page(address, "?tab=to_file")
    opened(desk)
    before = ids(desk)
    new = [world.add(number)["case_id"] for number in (9001, 9002, 9003)]
    expect(desk.locator(".paused")).to_have_text("3 件新案")
    expect(desk).to_have_title(re.compile(r"^\(▲3\)"))
    assert ids(desk) == before
    press(desk, "Escape")
    expect(desk.locator(".row.fresh")).to_have_count(3)
    assert set(ids(desk)[:3]) == set(new)


def test_the_chosen_row_is_a_case_and_never_a_place_in_the_list(standin: Serve, page: NewPage) -> None:
    world, address = standin()
    desk = page(address, "?tab=to_file")
    desk.locator(".row").first.wait_for()
    press(desk, "j", "j")
    expect(desk.locator(".row.cursor")).to_have_count(1)
    here, following = ids(desk)[1], ids(desk)[2]
    for number in range(9001, 9006):
        world.add(number)
    expect(desk.locator(".row").nth(7)).to_be_visible()
    until(lambda: ids(desk)[6] == here, "five new rows above it")
    expect(desk.locator(".row.cursor")).to_have_attribute("data-case", here)
    press(desk, "j")
    expect(desk.locator(".row.cursor")).to_have_attribute("data-case", following)


def test_what_others_do_moves_rows_and_figures(standin: Serve, page: NewPage) -> None:
    world, address = standin()
    case = world.add(9001)["case_id"]
    desk = page(address, "?tab=to_file")
    expect(row(desk, case)).to_be_visible()
    expect(desk.locator(".pill")).to_have_attribute("data-mode", "live")
    count = int(desk.locator('[data-tab="to_file"] b').inner_text())
    world.tell(case, "filed", state="filed")
    expect(row(desk, case)).to_have_count(0)
    expect(desk.locator('[data-tab="to_file"] b')).to_have_text(str(count - 1))
    world.tell(case, "overdue", state="filed", overdue=True)
    press(desk, "8")
    expect(row(desk, case)).to_be_visible()


def test_a_case_that_left_the_scope_leaves_the_page(standin: Serve, page: NewPage) -> None:
    world, address = standin()
    case = world.add(9001)["case_id"]
    desk = page(address, "?tab=to_file")
    expect(row(desk, case)).to_be_visible()
    expect(desk.locator(".pill")).to_have_attribute("data-mode", "live")
    world.push("gone", {"case_id": case})
    expect(row(desk, case)).to_have_count(0)


def test_the_address_brings_back_filters_order_view_and_the_open_case(standin: Serve, page: NewPage) -> None:
    world, address = standin(200)
    desk = page(address, "?tab=handling")
    desk.get_by_role("button", name="按区筛选").click()
    desk.get_by_role("menuitemradio", name="市南区").click()
    desk.get_by_role("button", name="排序").click()
    desk.get_by_role("menuitemradio", name="按等级").click()
    expect(desk).to_have_url(re.compile(r"tab=handling.*sort=severity.*district=370202|district=370202.*sort=severity"))
    opened(desk)
    address_then, shown = desk.url, ids(desk)
    assert "#/case/QD-" in address_then
    assert all(world.rows[case]["district"] == "370202" for case in shown)
    desk.goto("about:blank")
    desk.goto(address_then)
    desk.locator(".drawer[data-ready]").wait_for()
    assert ids(desk) == shown
    expect(desk.locator(".chip-button")).to_contain_text("市南区")
    desk.go_back()


def test_a_deep_link_opens_a_case_that_the_list_does_not_show(standin: Serve, page: NewPage) -> None:
    world, address = standin()
    case = next(row["case_id"] for row in world.rows.values() if row["state"] == "checking")
    desk = page(address, f"?tab=to_file#/case/{case}", expected=("404",))
    expect(desk.locator(".drawer code").first).to_have_text(case)
    desk.goto(f"{address}#/case/QD-20261121-0000000000")
    expect(desk.locator(".drawer")).to_contain_text("没有这个案件")


def test_chosen_rows_are_moved_together_with_an_outcome_for_each(standin: Serve, page: NewPage) -> None:
    world, address = standin()
    cases = [world.add(number, severity="emergency")["case_id"] for number in (9001, 9002, 9003)]
    world.refusals.append((409, {"reason": "案件已合并"}))
    desk = page(address, "?tab=to_file", expected=("409",))
    expect(row(desk, cases[0])).to_be_visible()
    press(desk, "j", "x", "j", "x", "j", "x")
    expect(desk.locator(".standing.marked")).to_contain_text("已选 3 件")
    desk.locator(".standing.marked").get_by_role("button", name="立案", exact=True).click()
    desk.get_by_role("dialog").get_by_role("button", name="立案", exact=True).click()
    expect(desk.get_by_role("alert")).to_contain_text("成功 2 件，未成功 1 件")
    expect(desk.get_by_role("alert")).to_contain_text("案件已合并")
    expect(desk.locator(".row .bad")).to_have_count(1)
    assert len(world.commands) == 2


def test_pictures_are_judged_in_a_row_by_single_keys(standin: Serve, page: NewPage) -> None:
    world, address = standin(0)
    kinds = {"channel": "low_video", "severity": "emergency", "picture": "ab" * 32}
    cases = [world.add(number, **kinds, opened_at=f"2026-11-21T01:0{9 - number % 10}:00Z")["case_id"] for number in range(9001, 9006)]
    desk = page(address, "?tab=to_file")
    expect(row(desk, cases[0])).to_be_visible()
    press(desk, "t")
    desk.locator(".tile").nth(4).wait_for()
    press(desk, "f", "r", "ArrowRight", "v")
    until(lambda: len(world.commands) == 3, "three decisions")
    assert [(told["type"], told["case_id"]) for told in world.commands] == [
        ("file", cases[0]),
        ("not_file", cases[1]),
        ("verify", cases[3]),
    ]
    assert world.commands[1]["reason"]
    expect(desk.locator(".triage")).to_contain_text("已审 3 件")
    press(desk, "Escape")
    expect(desk.locator(".triage")).to_have_count(0)


def test_others_at_a_case_are_named(standin: Serve, page: NewPage) -> None:
    world, address = standin()
    case = world.add(9001)["case_id"]
    desk = page(address, "?tab=to_file")
    opened(desk)
    until(lambda: f"POST /api/v1/cases/{case}/presence?" in world.asked, "the page to say that it looks")
    until_then = "2099-01-01T00:00:00Z"
    world.push("presence", {"case_id": case, "person": "li", "name": "李强", "doing": "handling", "until": until_then})
    expect(desk.locator(".present")).to_have_text("李强 正在处理")
    expect(row(desk, case)).to_contain_text("李强 正在处理")
    world.push("presence", {"case_id": case, "person": "li", "name": "李强", "doing": "left", "until": until_then})
    expect(desk.locator(".present")).to_have_count(0)


def test_a_long_queue_draws_what_is_seen_and_reads_on(standin: Serve, page: NewPage) -> None:
    _, address = standin(1500)
    desk = page(address, "?tab=all")
    desk.locator(".row").first.wait_for()
    assert desk.locator(".row").count() < 40
    for _ in range(3):
        desk.locator("#rows").evaluate("list => { list.scrollTop = list.scrollHeight; }")
    until(
        lambda: desk.locator("#rows .space").evaluate("space => space.clientHeight / space.firstElementChild.clientHeight") > 150,
        "more rows",
    )
    assert desk.locator(".row").count() < 40


def test_a_new_emergency_is_heard_when_sound_is_on(standin: Serve, page: NewPage) -> None:
    world, address = standin()
    desk = page(address, "?tab=to_file")
    expect(desk.locator(".pill")).to_have_attribute("data-mode", "live")
    desk.evaluate(LISTEN)
    world.add(9001, severity="emergency")
    expect(row(desk, next(reversed(world.rows)))).to_be_visible()
    assert desk.evaluate("window.heard") == 0
    press(desk, "m")
    until(lambda: desk.evaluate("window.heard") == 1, "the sound that says that it is on")
    desk.clock.install()
    desk.clock.fast_forward(4000)
    world.add(9002, severity="emergency")
    until(lambda: desk.evaluate("window.heard") == 5, "four notes of an emergency")
