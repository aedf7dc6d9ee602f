"""What a person sees on the page: a case that appears, moves and closes, in their language, with the keyboard, in light and in dark."""

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
import redis
from playwright.sync_api import Page, expect

from adapters.hot import Keys
from config.settings import Settings
from tests.browser.conftest import NewPage
from tests.console.feed_of import a_frame
from tests.journeys.messages import command, facts, of_case, report, send
from tests.journeys.process import Worker

pytestmark = [pytest.mark.browser, pytest.mark.stack]

CASE = str(a_frame(1)["case_id"])
OFFICE = "sanitation-370202"
WITHIN_MS = 15_000


def tell(settings: Settings, **changes: object) -> None:
    """Tell the feed a fact of case 1, as the projection does."""
    with redis.Redis.from_url(settings.redis_url) as store:
        store.xadd(Keys(settings.namespace, settings.city).feed, {"frame": orjson.dumps(a_frame(1, **changes))})


def dot(page: Page, case_id: str = CASE) -> str:
    """The dot of a case."""
    return f'#dots [data-case="{case_id}"]'


def test_a_case_appears_and_closes_over_the_whole_pipeline(
    settings: Settings, console: Callable[[Settings], str], page: NewPage, tmp_path: Path
) -> None:
    worker = Worker(settings, (), {}, tmp_path / "worker.log").start()
    try:
        city = page(console(settings))
        expect(city.locator("#empty")).to_be_visible()
        send(settings, report(1))
        found = facts(settings, lambda told: any("dispatched" in each["type"] for each in told))
        case_id = found[0]["data"]["case_id"]
        expect(city.locator(dot(city, case_id))).to_have_attribute("data-state", "dispatched", timeout=WITHIN_MS)
        photo = [{"url": "s3://evidence/after.jpg", "sha256": "a" * 64}]
        unit = found[-1]["data"]["case"]["unit"]
        worker_of_unit = {"id": f"{unit}:王芳", "role": "unit", "unit": unit}
        command(settings, case_id, "accept", actor=worker_of_unit)
        command(settings, case_id, "report_handled", actor=worker_of_unit, evidence=photo)
        command(
            settings, case_id, "pass_check", actor={"id": "centre:李强", "role": "checker", "unit": "command_center-370202"}, evidence=photo
        )
        facts(settings, lambda told: "closed" in of_case(told, case_id))
        expect(city.locator("#ended [data-state=closed] b")).to_have_text("1", timeout=WITHIN_MS)
        expect(city.locator("#facts li").first).to_contain_text("结案")
        expect(city.locator(dot(city, case_id))).to_have_count(0, timeout=WITHIN_MS)
        expect(city.locator('[data-figure="opened"] dd')).to_have_text("1", timeout=WITHIN_MS)
        expect(city.locator('[data-figure="reported"] dd')).to_have_text("1")
    finally:
        worker.stop()


def test_the_page_follows_a_case_from_its_snapshot_on(settings: Settings, console: Callable[[Settings], str], page: NewPage) -> None:
    city = page(console(settings))
    tell(settings)
    expect(city.locator(dot(city))).to_have_attribute("data-state", "reported", timeout=WITHIN_MS)
    tell(settings, sequence=2, fact="filed", state="filed")
    tell(settings, sequence=1, fact="opened", state="reported")  # said again: older than what is known
    tell(settings, sequence=3, fact="overdue", state="filed")
    expect(city.locator(f"{dot(city)}.late")).to_have_attribute("data-state", "filed", timeout=WITHIN_MS)
    expect(city.locator("#states [data-state=filed] b")).to_have_text("1")
    expect(city.locator("#states [data-state=reported] b")).to_have_text("0")
    expect(city.locator("#facts li")).to_have_count(3)
    expect(city.locator("#facts li").first).to_contain_text("超期")
    expect(city.locator("#pill")).to_have_attribute("data-mode", "live")
    expect(city.locator("#open")).to_have_text("在办 1")


def test_the_page_speaks_english_when_asked_and_names_no_key(settings: Settings, console: Callable[[Settings], str], page: NewPage) -> None:
    city = page(console(settings), "?lang=en")
    tell(settings, unit=OFFICE, severity="emergency")
    row = city.locator("#facts li").first
    expect(row).to_contain_text("Road spillage", timeout=WITHIN_MS)
    expect(row).to_contain_text("Shinan Sanitation")
    expect(row).to_contain_text("emergency")
    assert city.locator("html").get_attribute("lang") == "en-GB"
    expect(city.locator("h1")).to_contain_text("Qingdao")
    city.locator("#language").click()
    expect(city.locator("h1")).to_contain_text("青岛市", timeout=WITHIN_MS)


def test_the_list_stands_still_while_somebody_points_at_it(settings: Settings, console: Callable[[Settings], str], page: NewPage) -> None:
    city = page(console(settings))
    tell(settings)
    expect(city.locator("#facts li")).to_have_count(1, timeout=WITHIN_MS)
    city.locator("#facts").hover()
    tell(settings, sequence=2, fact="filed", state="filed")
    expect(city.locator("#waiting")).to_contain_text("1", timeout=WITHIN_MS)
    expect(city.locator("#facts li")).to_have_count(1)
    city.mouse.move(5, 5)
    expect(city.locator("#facts li")).to_have_count(2)


def test_a_district_opens_and_closes_with_the_keyboard_alone(settings: Settings, console: Callable[[Settings], str], page: NewPage) -> None:
    city = page(console(settings))
    whole = city.locator("#map").get_attribute("viewBox")
    for _ in range(5):
        city.keyboard.press("Tab")
    opened = city.evaluate("document.activeElement.dataset.district")
    assert opened, city.evaluate("document.activeElement.outerHTML")[:200]
    city.keyboard.press("Enter")
    expect(city.locator("#whole")).to_be_visible()
    assert city.locator("#map").get_attribute("viewBox") != whole
    city.keyboard.press("Escape")
    expect(city.locator("#whole")).to_be_hidden()
    assert city.locator("#map").get_attribute("viewBox") == whole


def test_everything_that_can_be_pressed_has_a_name(settings: Settings, console: Callable[[Settings], str], page: NewPage) -> None:
    city = page(console(settings))
    unnamed = city.evaluate(
        "[...document.querySelectorAll('a, button, [role=button]')].filter(e => !e.hidden && !(e.ariaLabel || e.textContent.trim()))"
        ".map(e => e.outerHTML.slice(0, 100))"
    )
    assert unnamed == []


def test_light_and_dark_follow_the_system_until_somebody_chooses(
    settings: Settings, console: Callable[[Settings], str], page: NewPage
) -> None:
    address = console(settings)
    light, dark = page(address, color_scheme="light"), page(address, color_scheme="dark")
    colour = "getComputedStyle(document.body).backgroundColor"
    assert light.evaluate(colour) != dark.evaluate(colour)
    day, night = light.evaluate(colour), dark.evaluate(colour)
    light.locator("#theme").click()
    expect(light.locator("body")).to_have_css("background-color", night)
    dark.locator("#theme").click()
    expect(dark.locator("body")).to_have_css("background-color", day)


def test_a_page_whose_feed_was_flushed_begins_anew(settings: Settings, console: Callable[[Settings], str], page: NewPage) -> None:
    city = page(console(settings))
    tell(settings)
    expect(city.locator(dot(city))).to_have_count(1, timeout=WITHIN_MS)
    with redis.Redis.from_url(settings.redis_url) as store:
        store.delete(Keys(settings.namespace, settings.city).feed)
    expect(city.locator("#pill")).not_to_have_attribute("data-mode", "live", timeout=WITHIN_MS)
    expect(city.locator("#pill")).to_have_attribute("data-mode", "live", timeout=WITHIN_MS)
    tell(settings, sequence=1)
    expect(city.locator(dot(city))).to_have_count(1, timeout=WITHIN_MS)
