"""Cases over HTTP: what a list, a page and an export hold, for whom, and how an answer says what is wrong."""

import csv
import io
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import orjson
import pytest

from adapters.secrets import is_signed, load_secrets
from config.settings import Settings
from incidents.events import CaseId
from incidents.journal import proves
from incidents.vocabulary import Role
from tests.api.town import NOW, UNIT, A, B, Town
from tests.console.served import Served, served

pytestmark = pytest.mark.stack


@dataclass(frozen=True)
class Desks:
    """A console over a town; `lead` sees all of it."""

    console: Served
    lead: httpx.Client
    town: Town
    handling: CaseId
    reported: CaseId
    merged: CaseId
    elsewhere: CaseId
    words: CaseId


@pytest.fixture(scope="module")
def desks(redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desks]:
    folder = tmp_path_factory.mktemp("console")
    settings = Settings(redis_url=redis_server, local_dir=folder, namespace=f"t{uuid.uuid4().hex[:8]}.", city="qingdao")
    with served(settings) as console, console.as_(Role.SHIFT_LEAD) as lead:
        town = Town(console.world.city)
        handling = town.case(1, A)
        merged = town.case(2, A, "reported", 50)
        town.do(merged, "merge", "acceptor", into=handling, target={"state": "handling"}, reason="the same heap")
        town.do(handling, "confirm_duplicate", "system", other=merged)
        reported = town.case(3, A, "reported", 30, suggested=(handling,))
        sealed = {"sealed": "AAAA", "key": "k1", "match": "9f86d081884c7d65"}
        statement = {
            "source": "/hotline",
            "id": "c1",
            "time": NOW,
            "channel": "hotline",
            "description": "路口井盖丢失",
            "reporter": {"phone": sealed},
        }
        words = town.case(
            4,
            A,
            "reported",
            20,
            category="manhole_cover",
            channel="hotline",
            source="/hotline",
            report_id="c1",
            statement=statement,
            description="路口井盖丢失",
        )
        elsewhere = town.case(5, B, "filed", 10)
        town.keep(console.world.database)
        yield Desks(console, lead, town, handling, reported, merged, elsewhere, words)


def ids(found: dict[str, list[dict[str, str]]]) -> list[str]:
    """The cases of a list."""
    return [row["case_id"] for row in found["cases"]]


def test_a_list_is_of_the_filters_and_the_newest_first(desks: Desks) -> None:
    assert ids(desks.lead.get("/api/v1/cases").json()) == [desks.elsewhere, desks.words, desks.reported, desks.merged, desks.handling]
    found = desks.lead.get("/api/v1/cases", params={"status": ["reported", "filed"], "district": A}).json()
    assert (ids(found), found["total"], found["at_least"]) == ([desks.words, desks.reported], 2, False)
    assert ids(desks.lead.get("/api/v1/cases", params={"q": "井盖"}).json()) == [desks.words]
    assert ids(desks.lead.get("/api/v1/cases", params={"tab": "handling"}).json()) == [desks.handling]
    assert ids(desks.lead.get("/api/v1/cases", params={"id": [desks.words, desks.handling]}).json()) == [desks.words, desks.handling]


def test_pages_follow_each_other(desks: Desks) -> None:
    first = desks.lead.get("/api/v1/cases", params={"limit": 2}).json()
    second = desks.lead.get("/api/v1/cases", params={"limit": 2, "cursor": first["next"]}).json()
    assert ids(first) + ids(second) == [desks.elsewhere, desks.words, desks.reported, desks.merged]


def test_a_time_whose_plus_was_not_escaped_is_understood(desks: Desks) -> None:
    answer = desks.lead.get("/api/v1/cases?since=2026-11-21T08:45:00+08:00")
    assert ids(answer.json()) == [desks.elsewhere]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("statuz=reported", "statuz"),
        ("status=open", "status"),
        ("bbox=1,2,3", "bbox"),
        ("bbox=120.5,36,120.3,36.2", "bbox"),
        ("since=yesterday", "since"),
        ("cursor=abc", "cursor"),
        ("limit=501", "limit"),
        ("sort=name", "sort"),
        ("district=%00", "district"),
    ],
)
def test_what_is_wrong_in_a_query_is_refused_by_its_name(desks: Desks, query: str, named: str) -> None:
    answer = desks.lead.get(f"/api/v1/cases?{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert named in answer.json()["detail"]


def test_a_page_has_the_case_masked_its_row_actions_deadline_and_neighbours(desks: Desks) -> None:
    answer = desks.lead.get(f"/api/v1/cases/{desks.handling}")
    page = answer.json()
    assert answer.headers["etag"] == f'"{page["row"]["revision"]}"'
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-cursor"]
    assert page["case"]["unit"] == page["row"]["unit"] == UNIT[A]
    assert {"remind", "note"} <= {each["command"] for each in page["actions"]}
    assert page["deadline"]["due_at"] == page["row"]["due_at"]
    [merged] = page["merged"]
    assert (merged["row"]["case_id"], merged["reason"], merged["actor"]["role"]) == (desks.merged, "the same heap", "acceptor")
    assert [each["source"] for each in page["reports"]] == ["/cameras/1"]
    assert not {"outcomes", "applied"} & set(page["case"])


def test_a_suggestion_says_how_far_and_how_long_apart(desks: Desks) -> None:
    [near] = desks.lead.get(f"/api/v1/cases/{desks.reported}").json()["suggestions"]
    assert (near["row"]["case_id"], near["distance_m"], near["minutes"]) == (desks.handling, 18, 30)


def test_peoples_words_are_there_and_their_data_masked(desks: Desks) -> None:
    page = desks.lead.get(f"/api/v1/cases/{desks.words}").json()
    [said] = [each["statement"] for each in page["reports"] if each["statement"]]
    assert said["description"] == "路口井盖丢失"
    assert said["reporter"]["phone"] == {"masked": True, "match": "9f86d081"}
    assert "AAAA" not in orjson.dumps(page).decode()


def test_the_story_of_a_case_comes_in_pieces_and_masked(desks: Desks) -> None:
    whole = desks.lead.get(f"/api/v1/cases/{desks.handling}/events").json()
    assert [fact["type"] for fact in whole["events"]][:4] == ["opened", "filed", "dispatched", "accepted"]
    first = desks.lead.get(f"/api/v1/cases/{desks.handling}/events", params={"limit": 2}).json()
    rest = desks.lead.get(f"/api/v1/cases/{desks.handling}/events", params={"after": first["next"]}).json()
    assert first["events"] + rest["events"] == whole["events"]


def test_what_nobody_may_see_and_what_is_not_there_sound_the_same(desks: Desks) -> None:
    with desks.console.as_(Role.SHIFT_LEAD, level="district", district=B) as other:
        foreign, nothing = (other.get(f"/api/v1/cases/{name}") for name in (desks.handling, "QD-20261121-NOBODYHERE"))
    assert foreign.status_code == nothing.status_code == 404
    assert foreign.json()["detail"].replace(desks.handling, "…") == nothing.json()["detail"].replace("QD-20261121-NOBODYHERE", "…")


def test_the_map_draws_open_cases_of_the_scope(desks: Desks) -> None:
    points = desks.lead.get("/api/v1/map").json()
    assert points["complete"] and {point[0] for point in points["points"]} == {desks.elsewhere, desks.words, desks.reported, desks.handling}
    assert [point[0] for point in desks.lead.get("/api/v1/map", params={"bbox": "120.37,36.08,120.38,36.09"}).json()["points"]] == [
        desks.elsewhere
    ]


def test_counts_are_by_tab_state_and_district(desks: Desks) -> None:
    counts = desks.lead.get("/api/v1/counts").json()
    assert (counts["tabs"]["to_file"], counts["tabs"]["handling"], counts["states"]["filed"]) == (2, 1, 1)
    assert counts["districts"] == {A: 3, B: 1}


def test_a_units_tasks_say_why_them_and_what_counts_as_done(desks: Desks) -> None:
    with desks.console.as_(Role.UNIT, level="district", district=A, unit=UNIT[A]) as unit:
        [task] = unit.get("/api/v1/tasks").json()["tasks"]
    assert task["case_id"] == desks.handling
    assert task["closing_condition"]["en"] and task["why"]["zh"]
    assert {"report_handled", "return"} <= {each["command"] for each in task["actions"]}


def test_tasks_are_of_the_post(desks: Desks) -> None:
    with desks.console.as_(Role.DISPATCHER, level="district", district=B) as dispatcher, desks.console.as_(Role.LEADER) as leader:
        assert [task["case_id"] for task in dispatcher.get("/api/v1/tasks").json()["tasks"]] == [desks.elsewhere]
        assert leader.get("/api/v1/tasks").json()["tasks"] == []


def test_similar_cases_are_ranked_by_place_kind_and_words(desks: Desks) -> None:
    asked: dict[str, str | float] = {"category": "road_spillage", "lon": 120.3829, "lat": 36.0671}
    found = desks.lead.get("/api/v1/similar", params=asked).json()["similar"]
    assert [each["row"]["case_id"] for each in found][0] == desks.reported
    assert all(0 <= each["score"] <= 1 for each in found)
    rest = desks.lead.get("/api/v1/similar", params={**asked, "exclude": desks.reported}).json()["similar"]
    assert desks.reported not in [each["row"]["case_id"] for each in rest]


def test_an_export_holds_what_the_list_holds_and_is_journalled(desks: Desks) -> None:
    answer = desks.lead.get("/api/v1/exports/cases.csv", params={"district": A})
    lines = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert [line["case_id"] for line in lines] == [desks.words, desks.reported, desks.merged, desks.handling]
    assert answer.headers["content-disposition"] == 'attachment; filename="cases-qingdao-20261121T010000Z.csv"'
    collection = desks.lead.get("/api/v1/exports/cases.geojson", params={"district": B}).json()
    assert [feature["id"] for feature in collection["features"]] == [desks.elsewhere]
    with desks.console.as_(Role.AUDITOR) as auditor:
        kinds = [
            (entry["kind"], entry["what"]["format"])
            for entry in auditor.get("/api/v1/journal", params={"kind": "exported"}).json()["entries"]
        ]
    assert kinds[:2] == [("exported", "geojson"), ("exported", "csv")]


def test_a_case_file_proves_what_the_journal_says_of_it(desks: Desks) -> None:
    file = desks.lead.get(f"/api/v1/cases/{desks.words}/file").json()
    assert (file["row"]["case_id"], len(file["facts"])) == (desks.words, 1)
    assert "AAAA" not in orjson.dumps(file).decode()
    public = load_secrets(desks.console.world.settings).journal_public
    assert file["journal"] and all(
        proves(each, lambda message, signature: is_signed(public, message, signature)) for each in file["journal"]
    )


def test_a_collector_may_not_export(desks: Desks) -> None:
    with desks.console.as_(Role.COLLECTOR) as collector:
        for path in ("exports/cases.csv", "exports/cases.geojson", f"cases/{desks.words}/file"):
            assert collector.get(f"/api/v1/{path}").status_code == 403


def test_names_are_kept_by_the_browser_until_they_change(desks: Desks) -> None:
    for path in ("catalogue", "districts"):
        first = desks.lead.get(f"/api/v1/{path}")
        again = desks.lead.get(f"/api/v1/{path}", headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert desks.lead.get(f"/api/v1/{path}", headers={"If-None-Match": '"other"'}).status_code == 200


def test_units_are_found_by_district_and_kind(desks: Desks) -> None:
    found = desks.lead.get("/api/v1/units", params={"district": A, "kind": "sanitation"}).json()["units"]
    assert [unit["key"] for unit in found] == [UNIT[A]]


def test_head_says_what_get_would_without_its_body(desks: Desks) -> None:
    for path in ("cases", f"cases/{desks.handling}", "exports/cases.csv", "feed"):
        answer = desks.lead.head(f"/api/v1/{path}")
        assert (answer.status_code, answer.content) == (200, b"")
    assert desks.lead.head("/api/v1/cases/NOBODY").status_code == 404


def test_an_address_that_takes_other_methods_names_them_all(desks: Desks) -> None:
    answer = desks.lead.put("/api/v1/session")
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET, HEAD, POST")
    assert desks.lead.delete("/api/v1/cases").headers["allow"] == "GET, HEAD"


def test_routing_is_tried_without_a_trace(desks: Desks) -> None:
    asked = {"category": "road_spillage", "lon": 120.3826, "lat": 36.0671, "at": "2026-11-20T09:00:00+08:00"}
    told = desks.lead.post("/api/v1/routing:test", json=asked).json()
    assert (told["unit"], told["limit"], told["rules"]) == (UNIT[A], "4 work_hour", desks.console.world.city.rules)
    assert [step["what"] for step in told["escalation"]][:2] == ["remind", "overdue"]
    wrong = desks.lead.post("/api/v1/routing:test", json={**asked, "category": "nothing"})
    assert wrong.status_code == 422 and "nothing" in wrong.json()["detail"]
