"""/journal: an auditor finds who opened what, and every entry names its place in the chain."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import complaints
from tests.browser.desk import Desk
from tests.browser.opened import Opened

pytestmark = pytest.mark.browser

OpenDesk = Callable[..., Opened]


def written(desk: Desk) -> str:
    """Four entries about one case and its readers; the case."""
    case_id = desk.open("handling")
    desk.write("signed_in", "acceptor")
    desk.write("command", "lead", case_id=case_id, type="dispatch", command_id="x")
    desk.write("unsealed", "acceptor", case_id=case_id, purpose="回访来电人，核实处理结果", fields=["reporter"], values=2)
    desk.write("exported", "lead", what="cases", format="csv", filters={"status": ["closed"]})
    return case_id


def test_who_opened_what_is_found_by_filters_that_stand_in_the_address(opened: OpenDesk) -> None:
    desk = Desk("auditor")
    case_id = written(desk)
    page = opened(desk, "/journal").page
    entries = page.locator("tr[data-kind]")
    expect(entries).to_have_count(4)
    expect(page.locator(".chain")).to_contain_text("共 4 条")
    page.get_by_label("类型").select_option("unsealed")
    expect(entries).to_have_count(1)
    for words in ("acceptor", case_id, "回访来电人，核实处理结果", "上报人", "2 项"):
        expect(entries).to_contain_text(words)
    assert page.url.endswith("/journal?kind=unsealed")
    page.reload()
    expect(entries).to_have_count(1)
    page.get_by_role("button", name="清除筛选").click()
    entries.filter(has_text="导出").get_by_role("button", name="lead").click()
    expect(entries).to_have_count(2)
    page.get_by_label("案号").fill(case_id)
    expect(entries).to_have_count(1)


@pytest.mark.parametrize(("scheme", "language"), [("light", "en"), pytest.param("dark", "zh", marks=pytest.mark.slow)])
def test_it_is_readable_by_everybody_in_both_languages(opened: OpenDesk, scheme: str, language: str) -> None:
    desk = Desk("auditor")
    written(desk)
    place = opened(desk, f"/journal?lang={language}", color_scheme=scheme)
    expect(place.page.locator("tr[data-kind]")).to_have_count(4)
    assert complaints(place.page) == []
    assert not re.search(r"\bjournal\.[a-z]", place.page.locator("main").inner_text())
