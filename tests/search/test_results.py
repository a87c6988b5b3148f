"""Marks and snippets, and clauses put in and taken out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.analysis import Token, laid_out, tokens
from search.narrowing import holds, narrowed, toggled, widened
from search.query import TextField, parse_query
from search.results import find_spans, mark_all, marked_title, snippet


def marks(text: str, query: str, field: TextField = TextField.TEXT) -> list[str]:
    return [text[one.start : one.end] for one in find_spans(text, parse_query(query), field)]


@pytest.mark.parametrize(
    ("text", "query", "found"),
    [
        ("走进喀什的棉花地，棉花", "棉花", ["棉花", "棉花"]),
        ("走进喀什的棉花地", "棉", ["棉"]),
        ("القُطْنُ في كاشغر والقطن", "القطن", ["القُطْنُ"]),
        ("می‌خواهم", "میخواهم", ["می‌خواهم"]),
        ("Cotton, COTTON and cottons", "cotton", ["Cotton", "COTTON"]),
        ("forced labour; labour forced", '"forced labour"', ["forced labour"]),
        ("forced-labour", '"forced labour"', ["forced-labour"]),
        ("cotton of the fields", '"fields cotton"~2', ["cotton", "fields"]),
        ("cotton of all the wide fields", '"fields cotton"~2', []),
        ("cottons and coton", "cott* OR coton~1", ["cottons", "coton"]),
        ("fields of a field", "~field", ["fields", "field"]),
        ("ab cd", "title:ab", []),
        ("ab cd", "ab -cd", ["ab"]),
        ("ＣＯＴＴＯＮ", "cotton", ["ＣＯＴＴＯＮ"]),
        ("كاشغر 喀什 Kashgar", "喀什 kashgar كاشغر", ["كاشغر", "喀什", "Kashgar"]),
    ],
)
def test_marks_stand_on_whole_words_of_every_script(
    text: str, query: str, found: list[str]
) -> None:
    assert marks(text, query) == found


@given(st.text(alphabet="棉花 aاﻻ́\u200dé", max_size=60), st.sampled_from(["棉", "a", "ا", "~é"]))
def test_pieces_put_together_are_the_text(text: str, query: str) -> None:
    spans = find_spans(text, parse_query(query))
    assert "".join(piece for piece, _number in mark_all(text, spans)) == text
    assert [n for _p, n in mark_all(text, spans) if n] == list(range(1, len(spans) + 1))


def test_a_snippet_is_cut_where_most_of_the_words_stand() -> None:
    text = "cotton " + "x " * 9000 + "picked cotton near Kashgar " + "y " * 400
    made = snippet(text, parse_query("cotton kashgar"))
    assert [piece for piece, found in made.parts if found] == ["cotton", "Kashgar"]
    assert len(str(made)) < 300


def test_a_snippet_never_parts_a_letter_from_its_marks() -> None:
    text = "ك" + "\u064e" * 10 + "م" * 300 + " قطن " + "ن\u0651" * 300
    made = str(snippet(text, parse_query("قطن")))
    for piece in made.replace("… ", "").replace(" …", "").split():
        assert piece[0] not in "\u0651\u064e"


def test_words_far_down_a_long_page_are_found() -> None:
    text = "İstanbul " * 15_000 + "القُطْن"
    made = snippet(text, parse_query("القطن"))
    assert made.found
    assert not snippet(text, parse_query("nothing")).found


def test_a_title_is_marked_whole() -> None:
    made = marked_title("Cotton in Kashgar", parse_query("title:kashgar text:cotton"))
    assert made.parts == (("Cotton in ", False), ("Kashgar", True))


@pytest.mark.parametrize(
    ("text", "clause", "after"),
    [
        ("", "tag:x", "tag:x"),
        ("cotton", 'tag:"x y"', 'cotton tag:"x y"'),
        ("a OR b", "tag:x", "(a OR b) tag:x"),
    ],
)
def test_a_clause_goes_in_and_comes_out_again(text: str, clause: str, after: str) -> None:
    assert narrowed(text, clause) == after
    label = holds(parse_query(after), clause)
    assert label is not None
    assert parse_query(widened(after, label)) == parse_query(text)


@pytest.mark.parametrize(
    ("text", "clause", "left"),
    [
        ("cotton AND tag:x", "tag:x", "cotton"), ("tag:x AND cotton", "tag:x", "cotton"),
        ("a tag:x b", "tag:x", "a b"), ('tag:“x y” b', 'tag:"x y"', "b"), ("TAG:X b", "tag:x", "b"),
        ("a AND tag:x AND b", "tag:x", "a AND b"), ("tag:x", "tag:x", ""),
    ],
)  # fmt: skip
def test_taking_a_clause_out_leaves_a_query(text: str, clause: str, left: str) -> None:
    assert toggled(text, parse_query(text), clause) == (left, True)


def test_a_clause_under_or_or_not_is_not_taken_for_one_that_holds() -> None:
    assert holds(parse_query("tag:x OR b"), "tag:x") is None
    assert holds(parse_query("-tag:x"), "tag:x") is None


@pytest.mark.parametrize(
    "text",
    [
        "Cotton, co-operative; ﬁelds of İstanbul",
        "新疆棉花ABC棉 in 2019年",
        "القُطْن في كاشغـر",
        "ฝ้ายในซินเจียง and ｶﾞｷﾞ",
        "x\u0301y \u00ad \u200c a\u200db",
    ],
)
def test_words_laid_out_stand_where_the_index_has_them(text: str) -> None:
    found = laid_out(text)
    places = [Token(word, found.start(at), found.end(at)) for at, word in enumerate(found.words)]
    assert places == list(tokens(text))
