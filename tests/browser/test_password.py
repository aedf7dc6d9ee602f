"""Changing one's own password, on the real console: from the menu of the account, by keyboard, in both languages, and on a phone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from adapters.people import SignedIn
from config.settings import Settings
from incidents.vocabulary import Role
from tests.browser.conftest import NewPage, complaints
from tests.console.door import PASSWORD, a_person
from tests.console.kept import Kept
from tests.console.served import Served, served

pytestmark = [pytest.mark.browser, pytest.mark.stack]

NEW = "a lantern behind seven dunes"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


@pytest.fixture(scope="module")
def desk(redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A console with three accounts."""
    folder = tmp_path_factory.mktemp("password")
    settings = Settings(redis_url=redis_server, local_dir=folder, namespace="password.", city="qingdao")
    with served(settings, Kept()) as console:
        people = console.world.access.people
        for name, role, place in (("wang", Role.OPS, {}), ("li", Role.AUDITOR, {}), ("zhao", Role.UNIT, {"unit": "sanitation-370202"})):
            people.add(a_person(role, name, **place), PASSWORD)
        yield console


def signed_in(page: NewPage, desk: Served, name: str, to: str, **context: object) -> Page:
    """A page after signing in with the keyboard."""
    found = page(f"{desk.address}/", f"login?next={to}", expected=("401", "403"), **context)
    type_and_enter(found, name, PASSWORD)
    found.wait_for_url(f"{desk.address}{to}")
    found.wait_for_selector("body[data-ready]")
    return found


def type_and_enter(page: Page, *texts: str) -> None:
    """Into one field after the other, then Enter."""
    for number, text in enumerate(texts):
        if number:
            page.keyboard.press("Tab")
        page.keyboard.insert_text(text)
    page.keyboard.press("Enter")


def open_dialog(page: Page, name: str) -> None:
    """By keyboard, from the menu."""
    page.locator(".who > button").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitemradio").first).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("menuitem", name=name)).to_be_focused()
    page.keyboard.press("Enter")


def test_a_password_is_changed_by_keyboard_and_the_new_one_signs_in(desk: Served, page: NewPage) -> None:
    found = signed_in(page, desk, "wang", "/hooks")
    open_dialog(found, "修改密码…")
    expect(found.get_by_label("当前密码", exact=True)).to_be_focused()
    assert complaints(found) == []
    type_and_enter(found, "not what it was", NEW, NEW)
    expect(found.locator("dialog [role=alert]")).to_have_text("当前密码不正确，请重新输入。")
    expect(found.get_by_label("当前密码", exact=True)).to_be_focused()
    found.keyboard.press("Control+A")
    type_and_enter(found, PASSWORD)
    expect(found.locator(".toast")).to_contain_text("密码已修改")
    expect(found.get_by_role("dialog")).to_have_count(0)
    expect(found.locator(".who > button")).to_be_focused()
    assert isinstance(desk.world.access.people.sign_in("wang", NEW, "10.0.0.9"), SignedIn)
    found.reload()
    expect(found.locator(".who")).to_contain_text("wang")


def test_what_is_wrong_stands_at_its_field_in_english_too(desk: Served, page: NewPage) -> None:
    found = signed_in(page, desk, "li", "/journal")
    found.goto(f"{desk.address}/journal?lang=en")
    found.wait_for_selector("body[data-ready]")
    open_dialog(found, "Change password…")
    for texts, says in (
        ((PASSWORD, "short", "short"), "The new password has 5 letters; use 15 to 200."),
        ((PASSWORD, "li li li li li li", "li li li li li li"), "easily guessed"),
        ((PASSWORD, PASSWORD, PASSWORD), "The new password is the current one"),
        ((PASSWORD, NEW, f"{NEW}!"), "The two new passwords are not the same."),
    ):
        for name, text in zip(("old", "fresh", "again"), texts, strict=True):
            found.locator(f"#password-{name}").fill(text)
        found.keyboard.press("Enter")
        expect(found.locator("dialog [role=alert]")).to_contain_text(says)
    assert complaints(found) == []
    found.keyboard.press("Escape")
    expect(found.get_by_role("dialog")).to_have_count(0)
    expect(found.locator(".who > button")).to_be_focused()


def test_a_unit_changes_it_on_the_phone_and_is_signed_out_elsewhere(desk: Served, page: NewPage) -> None:
    elsewhere = signed_in(page, desk, "zhao", "/field", **PHONE)
    here = signed_in(page, desk, "zhao", "/field", **PHONE)
    here.get_by_role("button", name="更多").click()
    here.get_by_role("menuitem", name="修改密码…").click()
    for name, text in (("old", PASSWORD), ("fresh", NEW), ("again", NEW)):
        here.locator(f"#password-{name}").fill(text)
    assert here.evaluate("document.documentElement.scrollWidth") <= 390
    assert complaints(here) == []
    here.get_by_role("button", name="修改密码", exact=True).click()
    expect(here.locator(".toast")).to_contain_text("已结束其他设备上的 1 个登录。")
    elsewhere.reload()
    expect(elsewhere.get_by_text("登录已失效")).to_be_visible()
