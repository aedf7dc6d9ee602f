"""The map is whole: every topic has a writer and a reader, every role can be built, the page is the map's."""

import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

from config.settings import ROOT
from config.topics import TOPICS, Topic
from incidents.errors import UserError
from streams import topology
from streams.topology import FOR_OTHERS, ROLES, STAGES, WORKER, Process, Role, names_of, roles


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_topic_has_a_writer_and_a_reader_or_is_for_others(topic: Topic) -> None:
    used = any(topic in stage.writes for stage in STAGES), any(topic in stage.reads for stage in STAGES)
    assert used == (True, topic not in FOR_OTHERS)


def test_a_stage_reads_and_writes_topics_of_the_contract_only() -> None:
    assert all(topic in TOPICS for stage in STAGES for topic in (*stage.reads, *stage.writes))


def test_only_closure_writes_what_happened_to_a_case() -> None:
    assert [stage.name for stage in STAGES if any(topic.name in ("cases.events", "cases.latest") for topic in stage.writes)] == ["closure"]


@pytest.mark.parametrize("role", ROLES.values(), ids=lambda role: role.name)
def test_a_role_s_decision_is_a_pure_module(role: Role) -> None:
    if role.step:
        source = Path(importlib.import_module(role.step).__file__ or "").read_text("utf-8")
        assert not re.findall(r"^(?:import|from) (?:adapters|streams|faust|redis|kafka|asyncio)", source, re.MULTILINE)


@pytest.mark.parametrize("role", ROLES.values(), ids=lambda role: role.name)
def test_a_role_s_app_is_made_from_what_its_process_shares(role: Role) -> None:
    taken = inspect.signature(pkgutil.resolve_name(role.app)).parameters.values()
    assert [each.annotation.__name__ for each in taken][0] == "Deps"
    assert len(taken) == 2


@pytest.mark.parametrize(
    ("module", "without"),
    [
        ("cli.worker", {"faust", "shapely", "sqlalchemy", "aiokafka"}),
        ("streams.worker, streams.intake", {"sqlalchemy", "alembic", "jinja2"}),
    ],
)
def test_a_process_loads_no_more_than_its_roles_need(module: str, without: set[str]) -> None:
    asked = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert "streams.topology" in loaded
    assert not without & set(loaded)


def test_the_processes_run_every_role_once_and_the_worker_all_but_hooks() -> None:
    assert sorted(name for process in Process for name in names_of(process)) == sorted(ROLES)
    assert {name for process in WORKER for name in names_of(process)} == ROLES.keys() - {"hooks"}
    assert names_of(Process.FLOOD) == ("intake",)


def test_roles_come_in_the_order_of_the_map() -> None:
    assert [role.name for role in roles(["projection", "intake"])] == ["intake", "projection"]


@pytest.mark.parametrize("names", [[], ["intake", "outtake"]])
def test_a_role_that_is_none_is_answered_with_those_there_are(names: list[str]) -> None:
    with pytest.raises(UserError, match="roles are intake,closure,routing,clock,projection"):
        roles(names)


def test_the_page_of_the_path_is_made_from_the_map() -> None:
    page = (ROOT / "docs" / "path.md").read_text("utf-8")
    assert page == topology.page(), "docs/path.md is not the map's: `python -m streams.topology > docs/path.md`"
