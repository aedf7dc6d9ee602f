"""The operations page when things go wrong around it, and what it is to everyone: network, feed, contrast and names, bytes."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from benchmarks.zoom import zoom
from tests.browser.conftest import NewPage, Serve, complaints
from tests.browser.test_operations import opened, press, row

pytestmark = pytest.mark.browser

AWAY = ("ERR_INTERNET_DISCONNECTED", "ERR_FAILED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION")
SIZES = {"desk": (1366, 768), "hd": (1920, 1080), "wall": (3840, 2160), "phone": (390, 844)}


def pill(page: Page, mode: str) -> None:
    """Wait until the live pill says so."""
    expect(page.locator(".pill")).to_have_attribute("data-mode", mode)


def test_a_lost_network_is_said_and_what_was_missed_comes_after(standin: Serve, page: NewPage) -> None:
    world, address = standin()
    desk = page(address, "?tab=to_file", expected=AWAY)
    pill(desk, "live")
    desk.locator(".canvas[data-ready]").wait_for()
    desk.context.set_offline(True)
    world.break_feed()
    pill(desk, "reconnecting")
    desk.clock.install()
    desk.clock.fast_forward(11_000)
    missed = [world.add(number)["case_id"] for number in (9001, 9002)]
    pill(desk, "stale")
    expect(desk.locator(".stale-banner")).to_be_visible()
    desk.context.set_offline(False)
    pill(desk, "live")
    for case in missed:
        expect(row(desk, case)).to_be_visible()
    expect(desk.locator(".stale-banner")).to_have_count(0)


def test_a_feed_that_must_begin_anew_brings_everything_again(standin: Serve, page: NewPage) -> None:
    world, address = standin()
    desk = page(address, "?tab=to_file", expected=AWAY)
    pill(desk, "live")
    case = world.add(9001)["case_id"]
    expect(row(desk, case)).to_be_visible()
    world.rows[case] = world.rows[case] | {"state": "filed"}  # moved without a word: only a fresh reading shows it
    world.push("resync", {})
    expect(row(desk, case)).to_have_count(0)
    pill(desk, "live")


def test_a_server_that_fails_is_told_in_words_with_a_way_on(standin: Serve, page: NewPage) -> None:
    world, address = standin()
    desk = page(address, "?tab=to_file", expected=("503",))
    opened(desk)
    world.refusals.append((503, {"title": "请稍后再试", "detail": "Kafka 没有应答"}))
    press(desk, "f")
    desk.get_by_role("dialog").wait_for()
    press(desk, "Enter")
    desk.locator(".toast").wait_for()
    press(desk, "s")
    expect(desk.get_by_role("alert")).to_contain_text("立案未成功")
    desk.get_by_role("alert").get_by_role("button", name="重试").click()
    expect(desk.locator(".row.chosen")).to_contain_text("已立案")
    assert len(world.commands) == 1


@pytest.mark.parametrize(("query", "scheme"), [("?lang=zh&tab=to_file", "light"), ("?lang=en&tab=all", "dark")])
def test_nothing_stands_in_anybodys_way(standin: Serve, page: NewPage, query: str, scheme: str) -> None:
    """Names, roles, contrast, sizes: axe over the page, a drawer, a dialog and the triage."""
    world, address = standin()
    world.add(9001, severity="major", channel="low_video", picture="ab" * 32)
    desk = page(address, query, color_scheme=scheme)
    opened(desk)
    desk.locator(".canvas[data-ready]").wait_for()
    assert complaints(desk) == []
    press(desk, "n")
    desk.get_by_role("dialog").wait_for()
    assert complaints(desk) == []
    press(desk, "Escape", "t")
    desk.locator(".triage").wait_for()
    assert complaints(desk) == []


def test_the_list_and_the_map_point_at_each_other(standin: Serve, page: NewPage) -> None:
    world, address = standin(0)
    case = world.add(9001, lon=120.40, lat=36.07)["case_id"]
    desk = page(address, "?tab=to_file&at=120.4000,36.0700,13")
    desk.locator(".canvas[data-ready=gl]").wait_for()
    expect(row(desk, case)).to_be_visible()
    middle = desk.locator(".canvas").bounding_box()
    assert middle
    x, y = middle["x"] + middle["width"] / 2, middle["y"] + middle["height"] / 2
    desk.mouse.move(x + 90, y)
    desk.mouse.move(x, y, steps=4)
    expect(row(desk, case)).to_have_class("row " + world.rows[case]["severity"] + " hovered")
    desk.mouse.click(x, y)
    desk.locator(f'.drawer[data-ready="{case}"]').wait_for()


def test_the_time_brush_narrows_list_and_map(standin: Serve, page: NewPage) -> None:
    world, address = standin(300)
    desk = page(address, "?tab=all")
    strip = desk.locator(".brush .strip")
    box = strip.bounding_box()
    assert box
    desk.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 10)
    desk.mouse.down()
    desk.mouse.move(box["x"] + box["width"], box["y"] + 10, steps=3)
    desk.mouse.up()
    expect(desk.locator(".window")).to_be_visible()
    begin = parse_qs(urlsplit(desk.url).query)["from"][0]
    last = sum(row["opened_at"] >= begin[:19] for row in world.rows.values())
    assert 0 < last < 300
    expect(desk.locator(".standing p")).to_contain_text(f"{last} 件")
    expect(desk.locator('[data-tab="all"] b')).to_have_text(str(last))
    strip.focus()
    press(desk, "Escape")
    expect(desk.locator(".standing p")).to_contain_text("300 件")


def test_without_webgl_the_districts_are_the_map(standin: Serve, page: NewPage) -> None:
    world, address = standin()
    desk = page(address, "?tab=all", args=("--disable-3d-apis",))
    desk.locator(".canvas[data-ready=svg]").wait_for()
    count = sum(row["district"] == "370202" for row in world.rows.values())
    area = desk.get_by_role("button", name=f"市南区，在办 {count} 件")
    area.focus()
    press(desk, "Enter")
    expect(desk.locator(".chip-button")).to_contain_text("市南区")
    expect(desk.locator(".standing p")).to_contain_text(f"{count} 件")
    assert complaints(desk) == []


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("query", ["?lang=zh&tab=all", "?lang=en&tab=all"])
def test_every_size_holds_the_page_without_overflow(standin: Serve, page: NewPage, size: str, query: str) -> None:
    world, address = standin(300)
    width, height = SIZES[size]
    desk = page(address, query, viewport={"width": width, "height": height}, color_scheme="dark")
    opened(desk)
    assert desk.evaluate("document.documentElement.scrollWidth") <= width
    assert complaints(desk) == []


@pytest.mark.parametrize("args", [(), ("--disable-3d-apis",)], ids=["gl", "svg"])
def test_the_map_says_how_many_points_stand_on_it_once_they_are_drawn(standin: Serve, page: NewPage, args: tuple[str, ...]) -> None:
    """benchmarks/first_view.py waits for that."""
    _, address = standin(60)
    desk = page(address, "?tab=all", args=args)
    expect(desk.locator("[data-drawn]")).to_have_attribute("data-drawn", "60")


@pytest.mark.slow
def test_ten_thousand_open_cases_are_zoomed_while_facts_come_in(standin: Serve, page: NewPage) -> None:
    """How quickly: `python -m benchmarks.zoom`."""
    world, address = standin(10_000)
    desk = page(address, "?tab=all")
    desk.locator(".canvas[data-ready=gl]").wait_for()
    expect(desk.locator('[data-tab="all"] b')).to_have_text("1万")
    assert zoom(desk, lambda number: world.add(20_000 + number))["frames"] > 0
    pill(desk, "live")
