"""The documentation is true: made parts are fresh, links lead somewhere, tables name every member, examples are accepted."""

import shutil
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import pytest

from cli.audit import CHECKS
from cli.docs import PART, renewed
from config.load import load_city, read_city
from config.mappings import parse_mapping
from config.settings import ROOT, Settings, load_settings
from incidents.catalogue import Category, City
from incidents.decision import Verdict
from incidents.errors import RejectReason
from incidents.facts import decode_command
from incidents.mapping import Translator
from incidents.steps import intake
from incidents.steps.sifting import Rule
from incidents.vocabulary import DeadlineKind, Role, State
from tests.docs import pages

PAGES = pages.names()


@pytest.fixture(scope="module")
def qingdao() -> City:
    return load_city(Settings(city="qingdao"))


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_takes_from_the_code_is_up_to_date(name: str) -> None:
    text = pages.read(name)
    assert text == renewed(text), f"{name} is out of date: run `make docs`"


@pytest.mark.parametrize("name", PAGES)
def test_a_link_leads_to_a_file_and_a_heading_that_are_there(name: str) -> None:
    for target in pages.links(name):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        there = (ROOT / name).parent / path if path else ROOT / name
        assert there.exists(), f"{name} links to {target}"
        assert not anchor or anchor in pages.anchors(there), f"{name} links to {target}; headings: {sorted(pages.anchors(there))}"


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), ["README.md"]
    while waiting:
        name = waiting.pop()
        if name in reached or not name.endswith(".md"):
            continue
        reached.add(name)
        targets = [link.partition("#")[0] for link in pages.links(name) if "://" not in link]
        waiting += [str(((ROOT / name).parent / target).resolve().relative_to(ROOT)) for target in targets if target]
    assert reached >= set(PAGES)


def test_a_page_with_a_made_part_ends_it() -> None:
    for name in PAGES:
        begun = [line for line in pages.read(name).splitlines() if line.startswith("<!-- made: ")]
        assert len(begun) == len(PART.findall(pages.read(name))), name


@pytest.mark.parametrize(
    ("name", "heading", "members"),
    [
        ("docs/reports.md", "## Why a report is rejected", RejectReason),
        ("docs/states.md", "## Every state", State),
        ("docs/states.md", "## Roles", Role),
        ("docs/states.md", "## Deadlines", DeadlineKind),
    ],
)
def test_a_table_by_hand_names_every_member(name: str, heading: str, members: type[StrEnum]) -> None:
    assert sorted(pages.first_column(name, heading)) == sorted(members)


def test_every_verdict_and_every_rule_of_matching_is_explained() -> None:
    assert set(pages.first_column("docs/reports.md", "## What becomes of it")) == set(Verdict) - {Verdict.ALREADY}
    assert set(pages.first_column("docs/architecture.md", "## 4. Which case does a report belong to?")) == set(Rule)


def test_every_key_of_a_category_is_explained() -> None:
    explained = set(pages.first_column("docs/city.md", "## catalogue/*.toml"))
    assert explained == set(Category.model_fields) - {"domain"}


def test_the_report_on_the_page_is_one_that_intake_takes(qingdao: City) -> None:
    event = intake.read(pages.block("docs/reports.md", "json").encode())
    category = intake.category_of(event, qingdao)
    assert intake.point(event["data"], qingdao) == (120.3826, 36.0671)
    assert intake.identity(event["data"], category) is None


def test_the_command_on_the_page_can_be_read(qingdao: City) -> None:
    command, stated = decode_command(pages.block("docs/topics.md", "json").encode(), qingdao.code)
    assert (command.type, stated) == ("accept", datetime(2026, 11, 21, 1, tzinfo=UTC))
    assert command.actor.unit in qingdao.unit_by_key


def test_the_mapping_on_the_page_gives_a_report() -> None:
    mapping = parse_mapping(pages.block("docs/producers.md", "toml"), "docs/producers.md")
    row = {"number": "7", "desk": "3", "received": "2026-11-21 08:00:00", "kind": "道路遗撒", "text": "…", "lon": "120.38", "lat": "36.06"}
    found = Translator(mapping, "QD", "qingdao").translate(row)
    assert found.problems == () and found.event is not None
    assert (found.event["source"], found.event["data"]["category"]) == ("/hotline/3", "road_spillage")


def test_the_category_of_the_readme_is_right_where_it_is_to_stand(tmp_path: Path) -> None:
    folder = tmp_path / "qingdao"
    shutil.copytree(load_settings().config_dir / "cities" / "qingdao", folder)
    file = folder / "catalogue" / "street_order.toml"
    file.write_text(file.read_text("utf-8") + "\n" + pages.block("README.md", "toml"), "utf-8")
    city, problems = read_city(folder)
    assert problems == []
    assert city is not None and "abandoned_scooter" in city.catalogue


def test_every_check_of_the_audit_is_explained() -> None:
    assert sorted(pages.first_column("docs/operations.md", "## The audit is not exact")) == sorted(CHECKS)
