"""What every page has: signing in, the head, two languages, light and dark, shortcuts; on the stand-in."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage, Serve, complaints

pytestmark = pytest.mark.browser

REFUSED = ("401",)


def sign_in(page: Page, password: str) -> None:
    """By keyboard: the account has the focus from the beginning."""
    page.keyboard.type("wang.fang")
    page.keyboard.press("Tab")
    page.keyboard.type(password)
    page.keyboard.press("Enter")


def test_who_is_not_signed_in_signs_in_and_comes_back_to_where_they_wanted(standin: Serve, page: NewPage) -> None:
    world, address = standin()
    world.person = None
    login = page(address, "login?next=/%3Ftab%3Dto_dispatch", expected=REFUSED)
    expect(login.get_by_role("heading")).to_contain_text("城市事件闭环")
    assert complaints(login) == []
    sign_in(login, "wrong")
    expect(login.get_by_role("alert")).to_have_text("账号或密码不正确，请重新输入。")
    login.locator("#password").fill("")
    login.locator("#password").type(world.password)
    login.keyboard.press("Enter")
    expect(login.locator('[data-tab="to_dispatch"]')).to_have_attribute("aria-selected", "true")
    expect(login.locator(".who")).to_contain_text("王芳")


def test_a_page_sends_who_is_not_signed_in_to_the_sign_in(standin: Serve, page: NewPage) -> None:
    world, address = standin()
    world.person = None
    found = page(address, "?tab=to_check", expected=REFUSED)
    expect(found).to_have_url(re.compile(r"/login\?next=%2F%3Ftab%3Dto_check$"))


def test_the_sign_in_leads_to_no_other_site(standin: Serve, page: NewPage) -> None:
    world, address = standin()
    world.person = None
    login = page(address, "login?next=//elsewhere.example/", expected=REFUSED)
    sign_in(login, world.password)
    expect(login.locator(".queue")).to_be_visible()
    assert login.url.startswith(address)


def test_both_languages_name_everything_and_the_choice_stays(standin: Serve, page: NewPage) -> None:
    _, address = standin()
    found = page(address)
    expect(found.locator(".brand")).to_contain_text("青岛市")
    found.get_by_role("button", name="EN", exact=True).click()
    expect(found.locator(".brand")).to_contain_text("Qingdao")
    assert found.locator("html").get_attribute("lang") == "en-GB"
    found.reload()
    expect(found.locator(".queue")).to_contain_text("Newest first")
    text = found.locator("body").inner_text()
    assert not re.search(r"\b(state|fact|tab|kpi|key|command|sort)\.[a-z_]+", text)


def test_light_and_dark_follow_the_system_until_somebody_chooses(standin: Serve, page: NewPage) -> None:
    _, address = standin()
    light, dark = page(address, color_scheme="light"), page(address, color_scheme="dark")
    colour = "getComputedStyle(document.body).backgroundColor"
    day, night = light.evaluate(colour), dark.evaluate(colour)
    assert day != night
    light.locator(".who > button").click()
    light.get_by_role("menuitemradio", name="深色").click()
    expect(light.locator("body")).to_have_css("background-color", night)
    light.reload()
    expect(light.locator("body")).to_have_css("background-color", night)


def test_a_menu_is_worked_by_keyboard_and_gives_the_focus_back(standin: Serve, page: NewPage) -> None:
    _, address = standin()
    found = page(address)
    found.locator(".who > button").focus()
    found.keyboard.press("Enter")
    expect(found.get_by_role("menuitemradio", name="跟随系统")).to_be_focused()
    found.keyboard.press("ArrowDown")
    expect(found.get_by_role("menuitemradio", name="浅色")).to_be_focused()
    found.keyboard.press("Escape")
    expect(found.get_by_role("menu")).to_have_count(0)
    expect(found.locator(".who > button")).to_be_focused()


def test_a_question_mark_shows_the_shortcuts_and_nothing_while_one_types(standin: Serve, page: NewPage) -> None:
    _, address = standin()
    found = page(address)
    found.keyboard.press("?")
    expect(found.get_by_role("dialog")).to_contain_text("下一件")
    assert complaints(found) == []
    found.keyboard.press("Escape")
    expect(found.get_by_role("dialog")).to_have_count(0)
    found.keyboard.press("/")
    found.keyboard.type("?jx")
    expect(found.get_by_role("dialog")).to_have_count(0)
    expect(found.locator("#search")).to_have_value("?jx")


def test_two_pages_of_a_browser_share_one_feed(standin: Serve, page: NewPage) -> None:
    world, address = standin()
    one = page(address)
    expect(one.locator(".pill")).to_have_attribute("data-mode", "live")
    other = one.context.new_page()
    other.goto(address)
    expect(other.locator(".pill")).to_have_attribute("data-mode", "live")
    row = world.add(9001, severity="emergency")
    for each in (one, other):
        expect(each.locator(f'[data-case="{row["case_id"]}"]')).to_be_visible()
    assert world.followers == 1
    one.close()
    row = world.add(9002)
    expect(other.locator(f'[data-case="{row["case_id"]}"]')).to_be_visible()
