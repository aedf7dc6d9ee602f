"""The page and its API: strict policy, nothing from elsewhere, words for everything in two languages, little JavaScript."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from config.settings import Settings
from incidents.vocabulary import Role
from tests.console.served import FIGURES, served


@contextmanager
def client_of(settings: Settings) -> Iterator[httpx.Client]:
    """A leader before a console over this Redis."""
    with served(settings) as console, console.as_(Role.LEADER) as client:
        yield client


@pytest.fixture(scope="module")
def settings_here(redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A namespace of these tests' own."""
    folder = tmp_path_factory.mktemp("console")
    return Settings(redis_url=redis_server, local_dir=folder, namespace=f"t{uuid.uuid4().hex[:8]}.", city="qingdao")


@pytest.fixture(scope="module")
def client(settings_here: Settings) -> Iterator[httpx.Client]:
    """A running console, one for all of them."""
    with client_of(settings_here) as client:
        yield client


@pytest.mark.stack
@pytest.mark.parametrize("path", ["/", "/static/lib/api.js", "/api/v1/audit", "/api/v1/cases", "/healthz", "/nothing-here"])
def test_every_answer_carries_a_strict_policy(client: httpx.Client, path: str) -> None:
    policy = client.get(path).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.stack
def test_scripts_travel_compressed_and_are_asked_for_again_by_their_tag(client: httpx.Client) -> None:
    path = "/static/vendor/maplibre-gl.mjs"
    first = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert first.headers["content-encoding"] == "gzip"
    assert first.num_bytes_downloaded < len(first.content) / 3
    again = client.get(path, headers={"Accept-Encoding": "gzip", "If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.stack
def test_the_page_is_read_only(client: httpx.Client) -> None:
    for path in ("/", "/api/v1/cases", "/api/v1/audit"):
        assert client.post(path).status_code == 405


@pytest.mark.stack
def test_the_audit_has_every_figure_and_the_city_clock(client: httpx.Client) -> None:
    found = client.get("/api/v1/audit").json()
    assert {key: found[key] for key in FIGURES} == FIGURES
    assert (found["now"], found["speed"]) == ("2026-11-21T01:00:00Z", 600.0)


@pytest.mark.stack
def test_districts_have_an_outline_and_a_place_for_their_name(client: httpx.Client) -> None:
    features = client.get("/api/v1/districts").json()["features"]
    assert len(features) == 10
    assert all(len(feature["properties"]["label"]) == 2 for feature in features)


@pytest.mark.stack
def test_the_catalogue_names_things_in_both_languages(client: httpx.Client) -> None:
    found = client.get("/api/v1/catalogue").json()
    assert found["categories"]["road_spillage"]["zh"] == "道路遗撒"
    assert len(found["districts"]) == 10
    assert all(unit["zh"] and unit["en"] for unit in found["units"].values())


@pytest.mark.stack
def test_a_cursor_that_is_none_is_refused(client: httpx.Client) -> None:
    assert client.get("/api/v1/feed", params={"cursor": "yesterday"}).status_code == 422


@pytest.mark.stack
def test_metrics_are_served_beside_the_page(client: httpx.Client) -> None:
    client.get("/api/v1/audit")
    found = client.get("/metrics").text
    assert 'cityloop_http_requests_total{route="/api/v1/audit",status="2xx"}' in found
    assert "cityloop_feed_clients" in found


@pytest.mark.stack
def test_readiness_names_what_is_waited_for(client: httpx.Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "hot_store" in answer.json()["waiting_for"]


def test_without_redis_the_console_lives_answers_from_its_tables_and_says_that_it_waits(tmp_path: Path) -> None:
    with client_of(Settings(redis_url="redis://127.0.0.1:9/0", local_dir=tmp_path, city="qingdao")) as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 503
        answer = client.get("/api/v1/cases")
        assert (answer.status_code, "x-cursor" in answer.headers) == (200, False)
