"""The demo's receiver: notices show as they arrive, with their signature, what came twice, and what it said to the sender."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect
from standardwebhooks import Webhook

from tests.browser.conftest import complaints
from tests.console.receiving import receiver
from tests.console.test_receiver import GROUP, NUMBER, ONE, SECRET

pytestmark = pytest.mark.browser

NewPage = Callable[..., Page]


@pytest.fixture
def address() -> Iterator[str]:
    """A receiver that knows one secret."""
    with receiver(SECRET) as (_, found):
        yield found


def send(address: str, id_: str, data: dict[str, Any], type_: str = "case.filed", secret: str = SECRET) -> int:
    """A signed webhook; what it was answered."""
    body, now = json.dumps({"type": type_, "timestamp": datetime.now(UTC).isoformat(), "data": data}), datetime.now(UTC)
    signed = {"webhook-id": id_, "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": Webhook(secret).sign(id_, now, body)}
    return httpx.post(f"{address}/webhook/gas", content=body, headers=signed).status_code


def test_a_notice_shows_as_it_arrives_and_what_came_twice_says_so(page: NewPage, address: str) -> None:
    shown = page(f"{address}/")
    rows = shown.locator(".notice")
    expect(shown.get_by_text("还没有通知")).to_be_visible()
    send(address, "n_1", {"drill": False, **ONE})
    expect(rows).to_have_count(1)
    for words in ("燃气泄漏", "市南区", "待接单", NUMBER, "立案", "签名正确", "紧急"):
        expect(rows.first).to_contain_text(words)
    send(address, "n_1", {"drill": False, **ONE})
    expect(rows.first).to_contain_text("第 2 次")
    send(address, "n_2", GROUP["data"], "notice.firing")
    expect(rows.first).to_contain_text("演练")
    expect(rows.first).to_contain_text("另 4 件")
    rows.first.locator(".line").click()
    expect(rows.first.locator("pre")).to_contain_text('"truncated": 3')
    shown.reload()
    expect(rows).to_have_count(3)


def test_it_can_be_told_to_fail_and_shows_what_it_refused(page: NewPage, address: str) -> None:
    shown = page(f"{address}/")
    shown.get_by_label("返回错误").check()
    expect(shown.get_by_text("一律返回 503")).to_be_visible()
    assert send(address, "n_1", ONE) == 503
    expect(shown.locator(".notice").first).to_contain_text("HTTP 503")
    shown.get_by_label("正常应答").check()
    expect(shown.get_by_text("每条通知都签收")).to_be_visible()
    assert send(address, "n_2", ONE, secret="whsec_" + "A" * 32) == 401
    expect(shown.locator(".notice").first).to_contain_text("签名不符")
    httpx.post(f"{address}/dingtalk", json={"msgtype": "markdown", "markdown": {"title": "井盖缺失", "text": "### 井盖缺失\n请接单"}})
    shown.locator(".channels").get_by_role("button", name="钉钉").click()
    expect(shown.locator(".notice")).to_have_count(1)
    expect(shown.locator(".notice")).to_contain_text("井盖缺失")


@pytest.mark.parametrize(("scheme", "language"), [("light", "en"), pytest.param("dark", "zh", marks=pytest.mark.slow)])
def test_it_is_readable_by_everybody_in_both_languages(page: NewPage, address: str, scheme: str, language: str) -> None:
    send(address, "n_1", {"drill": False, **ONE})
    send(address, "n_1", {"drill": True, **ONE})
    send(address, "n_2", GROUP["data"], "notice.firing")
    send(address, "n_3", ONE, secret="whsec_" + "A" * 32)
    shown = page(f"{address}/", f"?lang={language}", color_scheme=scheme)
    expect(shown.locator(".notice")).to_have_count(4)
    shown.locator(".line").first.click()
    assert complaints(shown) == []
    assert not re.search(r"\b(receiver|protocol|notice)\.[a-z]", shown.locator("body").inner_text())
