"""The interface in other languages: what is a message, and what pages say in Arabic and Chinese."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from conftest import send
from flask import Flask
from flask.testing import FlaskClient
from markupsafe import Markup

from annotate.services.facets import FacetValue
from annotate.words import catalog
from annotate.words.catalog import ENGLISH, LANGUAGES, PLACE
from annotate.words.messages import messages
from annotate.words.runs import rewritten, runs_of

OTHERS = [one.tag for one in LANGUAGES if one is not ENGLISH]
TAGS = re.compile(r"[<>]")
OPTION = re.compile(r"<option((?:\{%.*?%\}|[^>])*)>(.*?)</option>")
TEMPLATES = catalog.FOLDER.parent / "templates"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>{{ n }} of {{ total|int }} units</p>", [("{1} of {2} units", ("n", "total|int"))]),
        ("<p>\n  Nothing\n  yet. </p>", [("Nothing yet.", ())]),
        ("<p>one{% if x > 1 %}two{% endif %}</p>", [("one", ()), ("two", ())]),
        ('<a title="To {{ x }}" href="/Words">go</a>', [("To {1}", ("x",)), ("go", ())]),
        ("<p>{{ x }} · {{ y }}</p>", []),
        ("<code>holdfast init</code><p>Made</p>", [("Made", ())]),
        ('<b translate="no"><i>Not</i> this</b> <i>but this</i>', [("but this", ())]),
        ('<option value="{{ a }}"{% if a > b %} selected{% endif %}>All</option>', [("All", ())]),
        ("{# a note #}<p>{{ badge('waiting') }}</p>", []),
        ("{% block title %}Results · {{ project.name }}{% endblock %}",
         [("Results · {1}", ("project.name",))]),
    ],
)  # fmt: skip
def test_words_between_tags_are_messages(source: str, found: list[object]) -> None:
    assert [(run.message, run.values) for run in runs_of(source)] == found


def test_a_template_is_rewritten_where_its_words_stand() -> None:
    source = '<p class="x"> {{ n }} items </p><p>{{ name }}</p>'
    said = '<p class="x"> {{ say("{1} items", (n)) }} </p><p>{{ name }}</p>'
    assert rewritten(source) == said


@pytest.mark.parametrize("tag", OTHERS)
def test_every_message_is_translated_with_its_values_and_no_markup(tag: str) -> None:
    held = catalog.catalog(tag)
    lacking = [message for message in messages() if not held.get(message)]
    assert not lacking, f"{len(lacking)} messages lack words in {tag}: {lacking[:5]}"
    for message, words in held.items():
        assert set(PLACE.findall(words)) <= set(PLACE.findall(message)), message
        assert not TAGS.search(words), message
        assert '"' not in words or '"' in message, message
        assert words.count("{") == len(PLACE.findall(words)), message


def test_what_a_choice_sends_is_not_what_it_is_called() -> None:
    """Else a choice made in Arabic would send an Arabic word, which nothing knows."""
    for path in sorted(TEMPLATES.rglob("*.html")):
        for attributes, words in OPTION.findall(path.read_text("utf-8")):
            said = "translated" in words or re.search("[A-Za-z]{2}", re.sub(r"{{.*?}}", "", words))
            assert not said or "value=" in attributes, f"{path.name}: {words}"


def test_values_are_escaped_into_a_message() -> None:
    assert catalog.say("{1} of {2}", "<b>", Markup("<i>")) == "&lt;b&gt; of <i>"


def test_values_are_not_turned_about_by_words_from_right_to_left() -> None:
    said = catalog.say("from {1} to {2}", "2020-01-01", Markup("<time>x</time>"), tag="ar")
    assert "\u20682020-01-01\u2069" in said
    assert "<time>x</time>" in said


def test_sentences_of_the_rules_are_recognised_with_their_values() -> None:
    said = catalog.translated("A password has at least 12 characters.", "zh")
    assert "12" in said
    assert "password" not in said
    assert catalog.translated("Nobody ever wrote this.", "zh") == "Nobody ever wrote this."
    assert "decision" not in catalog.translated("1 decision saved.", "zh")


def test_values_that_holdfast_names_are_told_in_words_and_those_of_the_study_as_they_are() -> None:
    def words(value: str, clause: str) -> str:
        return FacetValue(value, 1, clause, clause, active=False).words

    assert words("no-creator", "is:no-creator") == "promotes nobody"
    assert words("complete", "outcome:complete") == "complete"
    assert words("no value", "tag:none") == "no value"
    assert words("counted", 'tag:"counted"') == ""


def test_pages_speak_the_language_that_is_chosen(
    app: Flask, sign_in: Callable[[str], FlaskClient]
) -> None:
    owner = sign_in("owner")
    page = "/p/study/results"
    assert '<html lang="en" dir="ltr">' in owner.get(page).text
    answer = send(owner, page, "/language", language="ar", next=page)
    assert answer.location == page
    arabic = owner.get(page).text
    assert '<html lang="ar" dir="rtl">' in arabic
    assert "<h1>Results</h1>" not in arabic
    missing = owner.get("/p/study/nowhere").text
    assert "There is no such page." not in missing
    away = send(owner, page, "/language", language="zh", next="https://example.org/")
    assert away.location == "/"
    assert '<html lang="zh"' in owner.get(page).text
    send(owner, page, "/language", language="xx", next=page)
    assert '<html lang="en"' in owner.get(page).text


def test_the_first_reader_of_a_page_does_not_choose_its_language_for_others(
    app: Flask, sign_in: Callable[[str], FlaskClient]
) -> None:
    owner = sign_in("owner")
    page = "/p/study/results"
    send(owner, page, "/language", language="ar", next=page)
    assert "the beginning" not in owner.get(page).text
    send(owner, page, "/language", language="en", next=page)
    assert "<strong>the beginning</strong>" in owner.get(page).text


def test_a_browser_that_asks_for_chinese_is_spoken_to_in_chinese(app: Flask) -> None:
    page = app.test_client().get("/sign-in", headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.1"})
    assert '<html lang="zh"' in page.text
    assert "Password" not in page.text


def test_what_is_wrong_with_a_query_is_told_in_the_language_of_the_page(
    app: Flask, sign_in: Callable[[str], FlaskClient]
) -> None:
    """Where it is asked from does not matter: the library, or a page that only takes a query."""
    owner = sign_in("owner")
    library = "/p/study/"
    faults = (
        '"a', "(a", "a)", "()", "*", "a*b", "a AND", "OR a", "tag:(a)", "nosuch:x", "is:nosuch",
        "(" * 60 + "a", "a " * 900, "x" * 2001, "a* " * 60,
    )  # fmt: skip
    for tag in ("ar", "zh"):
        send(owner, library, "/language", language=tag, next=library)
        told = set()
        for query in faults:
            page = owner.get(library, query_string={"q": query}).text
            (alert,) = re.findall(r'role="alert"><p>(.*?)</p>', page, re.DOTALL)
            assert not re.search("at character|write|Write|There|needs|ask|Take|Ask", alert), alert
            told.add(alert)
        assert len(told) > 10
        form = {"name": "x", "q": '"a'}
        refused = send(owner, library, "/p/study/searches", **form)
        assert refused.status_code == 400
        assert "is never closed" not in refused.text
        assert "at character" not in refused.text


def test_that_the_index_is_not_there_yet_is_told_in_the_language_of_the_page(
    app: Flask, sign_in: Callable[[str], FlaskClient]
) -> None:
    owner = sign_in("owner")
    library = "/p/study/"
    assert "The search index is being made." in owner.get(f"{library}?q=cotton").text
    send(owner, library, "/language", language="zh", next=library)
    page = owner.get(f"{library}?q=cotton").text
    assert "检索索引正在建立" in page
    assert "search index" not in page
