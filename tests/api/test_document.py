"""The OpenAPI document: committed as it is made, complete, with examples that fit, and no refusal that is not a problem."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from cli.docs import OPENAPI
from cli.docs_api import METHODS, as_json, document
from console.openapi import ALERTMANAGER, OPEN, REFUSALS, SAFE, SIGNED, TAGS
from console.problems import MEDIA_TYPE

MADE = document()
OPERATIONS = {f"{method} {path}": said for path, methods in MADE["paths"].items() for method, said in methods.items()}
every_operation = pytest.mark.parametrize("name", OPERATIONS)


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """A part of the document, or what it refers to."""
    while "$ref" in part:
        found: Any = MADE
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = found
    return part


def misfits(shown: list[Any], schema: dict[str, Any]) -> list[str]:
    """Where examples are not what the schema says."""
    judge = Draft202012Validator({**schema, "components": MADE["components"]})
    return [f"{error.json_path}: {error.message[:200]}" for example in shown for error in judge.iter_errors(example)]


def examples(content: dict[str, Any]) -> Iterator[Any]:
    """Those of a media type, or of its schema."""
    schema = resolved(content.get("schema", {}))
    yield from ([content["example"]] if "example" in content else [])
    yield from (each["value"] for each in content.get("examples", {}).values())
    yield from schema.get("examples", ())
    yield from ([schema["example"]] if "example" in schema else [])


def test_the_committed_document_is_the_one_that_is_made() -> None:
    assert OPENAPI.read_text("utf-8") == as_json(), "docs/openapi.json is out of date: run `make docs`"


@every_operation
def test_an_operation_has_words_of_its_own(name: str) -> None:
    said = OPERATIONS[name]
    assert said["summary"] != said["operationId"].replace("_", " ").title(), "write a summary"
    assert len(said.get("description", "")) > 20
    assert set(said["tags"]) <= set(TAGS) and said["tags"]


def test_operations_have_names_that_no_two_share() -> None:
    names = [said["operationId"] for said in OPERATIONS.values()]
    assert len(set(names)) == len(names)


@every_operation
def test_an_operation_says_who_may_ask(name: str) -> None:
    method, path = name.split(" ")
    security = OPERATIONS[name]["security"]
    if (method, path) in OPEN:
        assert security == []
    else:
        signed: list[Any] = [{"signature": []}] if path.startswith(SIGNED) and method not in SAFE else []
        assert security == [{"session": []} if method in SAFE else {"session": [], "csrf": []}, {"token": []}, *signed]


@every_operation
def test_every_refusal_is_a_problem(name: str) -> None:
    """Below /api/v2 it is what Alertmanager's clients can read."""
    answers = OPERATIONS[name]["responses"]
    theirs = name.split(" ")[1].startswith(ALERTMANAGER)
    assert {"400" if theirs else "422", "429", "503"} <= set(answers)
    for status, answer in answers.items():
        if status >= "400":
            assert status in REFUSALS
            assert list(resolved(answer)["content"]) == (["application/json"] if theirs else [MEDIA_TYPE])
    if "{" in name:
        assert "404" in answers


@every_operation
def test_a_request_has_an_example_that_fits(name: str) -> None:
    said = OPERATIONS[name]
    for media_type, content in said.get("requestBody", {}).get("content", {}).items():
        shown = list(examples(content))
        assert shown, f"{media_type} has no example: console/examples.py"
        assert not misfits(shown, content["schema"]), media_type
    for parameter in said.get("parameters", ()):
        given = [parameter[key] for key in ("example",) if parameter.get(key) is not None] + parameter["schema"].get("examples", [])
        assert given or not parameter["required"], f"{parameter['name']} has no example: console/examples.py"
        assert parameter["in"] != "path" or not misfits(given, parameter["schema"])


@every_operation
def test_an_answer_has_an_example_that_fits(name: str) -> None:
    for status, answer in OPERATIONS[name]["responses"].items():
        for media_type, content in resolved(answer).get("content", {}).items():
            if media_type.endswith("json") and status != "202":
                shown = list(examples(content))
                assert shown, f"{status} {media_type} has no example: console/examples.py"
                assert not misfits(shown, content["schema"]), f"{status} {media_type}"


def test_every_method_is_one_that_the_interface_has() -> None:
    assert {name.split(" ")[0] for name in OPERATIONS} <= set(METHODS)
