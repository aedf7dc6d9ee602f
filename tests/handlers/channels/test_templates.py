"""Templates: small, sandboxed, ended by their own length; tried when they are loaded; and ours say the same in both languages."""

import json
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import ROOT
from handlers.shown import TEXTS, WORDS, view
from handlers.templates import MOST_TEXT, checked, fitted, markdown, plain, rendered, text
from handlers.words import Language
from tests.handlers.channels.notices import alert, fact, notice, operational, target

NAMES = ("title", "text", "markdown", "sms", "voice")
LANGUAGES: tuple[Language, ...] = ("zh", "en")


def seen(language: Language = "zh", most: int = 20, *alerts: Any) -> dict[str, Any]:
    return view(notice(*alerts), target("webhook", url="https://x.example"), language, most)


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("{{ 'a' * 10 ** 9 }}", "mul|pow"),
        ("{{ reason ~ reason }}", "concat"),
        ("{% for a in range(10 ** 9) %}{% endfor %}", "for|call"),
        ("{% for a in reason %}{% for b in reason %}{% for c in reason %}{% endfor %}{% endfor %}{% endfor %}", "2 deep"),
        ("{% for a in 'x' * 9 %}{% endfor %}", "for|mul"),
        ("{% set x = reason %}", "assign"),
        ("{% set x %}{{ reason }}{{ reason }}{% endset %}", "assignblock"),
        ("{% macro m() %}{{ m() }}{% endmacro %}", "macro"),
        ("{% for a in cases recursive %}{{ loop(cases) }}{% endfor %}", "for|call"),
        ("{% include '/etc/passwd' %}", "include"),
        ("{% import 'x' as y %}", "import"),
        ("{{ reason.format(1) }}", "call"),
        ("{{ reason.__class__.__mro__ }}", "fails|unsafe"),
        ("{{ ''.__class__ }}", "fails|unsafe"),
        ("{{ reason|attr('__class__') }}", "filter"),
        ("{{ cases|map(attribute='id') }}", "filter"),
        ("{{ reason|replace('a', 'aaaa') }}", "filter"),
        ("{{ nothing }}", "nothing"),
        ("{% for case in cases %}{{ case.phone }}{% endfor %}", "phone"),
        ("{{ self }}", "itself"),
        ("{% if %}", "cannot be read"),
        ("{{", "cannot be read"),
        ("x" * 5000, "4096"),
        ("长" * 1500, "4096"),
    ],
)
def test_a_template_that_could_do_more_than_say_is_refused_when_it_is_loaded(source: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=rf"(?i)({complaint})"):
        checked(source)


def test_the_heaviest_template_that_is_allowed_stays_small() -> None:
    heavy = checked("{% for a in reason %}{% for b in reason %}" + "{{ reason }}" * 300 + "{% endfor %}{% endfor %}")
    values = seen() | {"reason": "长" * 300}
    assert len(rendered(heavy, values)) <= MOST_TEXT


@settings(deadline=None)
@given(st.text(max_size=60))
def test_whatever_stands_in_a_template_it_is_refused_or_says_a_text(source: str) -> None:
    for whole in (source, "{{ " + source + " }}", "{% " + source + " %}"):
        try:
            said = rendered(checked(whole), seen())
        except ValueError:
            continue
        assert len(said) <= MOST_TEXT


@settings(deadline=None)
@given(st.text(max_size=80), st.sampled_from([plain, markdown]))
def test_a_value_stays_in_its_line(value: str, escape: Any) -> None:
    assert len(rendered("{{ reason }}", {"reason": value}, escape).splitlines()) <= 1


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_our_own_texts_keep_to_what_others_may_do(name: str, language: Language) -> None:
    checked(text(name, language))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("told", [fact(), operational(), notice(alert(1), alert(2, ended=True), drill=True)])
def test_our_own_texts_have_no_bare_code_in_them(told: Any, language: Language) -> None:
    for name in NAMES:
        said = rendered(text(name, language), view(told, target("webhook", url="https://x.example"), language, 20))
        assert said
        for code in ("water_main_burst", "dispatched", "370202", "emergency", "water_supply-city", "first notification"):
            assert code not in said.replace("QD-20261123", "")


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_are_those_of_the_pages(language: Language) -> None:
    pages = json.loads((ROOT / "console" / "static" / "labels" / f"{language}.json").read_text("utf-8"))
    for kind in ("state", "fact", "severity", "level", "role"):
        theirs = {key.partition(".")[2]: word for key, word in pages.items() if key.startswith(f"{kind}.") and key.count(".") == 1}
        assert WORDS[language][kind] == theirs, f"{kind} in handlers/texts/words.toml"


def test_both_languages_have_the_same_words() -> None:
    def keys(table: dict[str, Any]) -> Iterator[tuple[str, str]]:
        return ((kind, key) for kind, words in table.items() for key in words)

    whole = tomllib.loads((TEXTS / "words.toml").read_text("utf-8"))
    assert set(keys(whole["zh"])) == set(keys(whole["en"]))


def test_the_most_urgent_case_that_goes_on_stands_first() -> None:
    order = seen("zh", 20, alert(1, ended=True), alert(2, labels={"severity": "minor"}), alert(3))
    assert [case["id"][-1] for case in order["cases"]] == ["3", "2", "1"]


def test_what_is_not_shown_is_counted() -> None:
    shown = seen("zh", 2, *(alert(number) for number in range(5)))
    assert (len(shown["cases"]), shown["more"], shown["count"]) == (2, 3, 5)


@settings(deadline=None)
@given(st.integers(10, 400), st.text(alphabet="长a", min_size=0, max_size=500))
def test_a_cut_text_keeps_to_its_size_and_says_that_it_was_cut(most: int, whole: str) -> None:
    try:
        said = fitted(lambda _: whole, lambda each: len(each.encode()), most, "en", "~cut")
    except ValueError:
        assert len(whole.encode()) > most
        return
    assert len(said.encode()) <= most
    assert said == whole or said.endswith("~cut")
