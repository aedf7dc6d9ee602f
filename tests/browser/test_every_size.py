"""Every page for every role on every screen: nothing stands out of it, nothing goes wrong, and a picture is kept of each.

Long: part of `make test-all`.
"""

import pytest
from playwright.sync_api import expect

from tests.browser.desk import PEOPLE
from tests.browser.test_case_page import OpenDesk, rich
from tests.browser.test_hooks_page import a_desk

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SIZES = {"small": (1366, 768), "hd": (1920, 1080), "wall": (3840, 2160), "phone": (390, 844)}
PAGES = ("/case/{case}", "/cases", "/accept", "/field", "/journal", "/hooks")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("role", PEOPLE)
def test_no_page_is_wider_than_its_screen(opened: OpenDesk, role: str, size: str) -> None:
    desk = a_desk(role)
    case_id = rich(desk)
    for state in ("reported", "filed", "dispatched", "handling", "checking"):
        desk.open(state)
    width, height = SIZES[size]
    place = opened(desk, PAGES[0].format(case=case_id), viewport={"width": width, "height": height})
    for path in PAGES:
        page = place.open(path.format(case=case_id))
        expect(page.locator("main")).to_be_visible()
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{path} is {wide} wide"
