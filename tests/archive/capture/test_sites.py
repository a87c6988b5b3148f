"""What is done on pages: data of a person's own over the data that comes with Holdfast."""

from __future__ import annotations

from pathlib import Path

import pytest

from archive.capture.sites import PACKAGED_RULES, load_rules, read_rules
from archive.errors import SiteRulesError

OWN = """
version = "ours"
[default]
scroll_steps = 3
words = ["Noch mehr"]
[[site]]
hosts = ["example.org"]
scroll_steps = 40
click = ["button.more"]
words = ["answers"]
[[site]]
hosts = ["deep.example.org"]
films = 0
"""


def test_a_hosts_rule_fits_what_is_below_it_and_later_rules_win() -> None:
    rules = read_rules("own", OWN.encode()).over(PACKAGED_RULES)
    elsewhere, here = rules.of("example.com"), rules.of("www.example.org")
    deeper = rules.of("deep.example.org")
    assert (elsewhere.scroll_steps, elsewhere.rule) == (3, "")
    assert (here.scroll_steps, here.click, here.rule) == (40, ("button.more",), "example.org")
    assert (deeper.scroll_steps, deeper.films, deeper.rule) == (40, 0, "deep.example.org")
    assert rules.of("notexample.org") == elsewhere
    assert rules.version == f"{PACKAGED_RULES.version}+ours"


def test_words_are_added_to_those_that_come_with_holdfast() -> None:
    rules = read_rules("own", OWN.encode()).over(PACKAGED_RULES)
    assert {"展开", "load more", "noch mehr"} <= set(rules.default.words)
    assert "answers" in rules.of("example.org").words
    assert "answers" not in rules.default.words


def test_a_packaged_hosts_rule_still_holds() -> None:
    assert PACKAGED_RULES.of("m.weibo.cn").scroll_steps == 12
    assert read_rules("own", OWN.encode()).over(PACKAGED_RULES).of("weibo.com").settle == 10.0


def test_without_a_file_the_packaged_rules_hold(tmp_path: Path) -> None:
    assert load_rules(tmp_path / "sites.toml") is PACKAGED_RULES


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version = 1", "version"),
        ("[default]\nscroll_steps = 1", "version"),
        ('version = "a"\nother = 1', "'other'"),
        ('version = "a"\n[default]\nscrolls = 1', "there is no 'scrolls'"),
        ('version = "a"\n[default]\nscroll_steps = -1', "from 0 to 500"),
        ('version = "a"\n[default]\nscroll_steps = true', "from 0 to 500"),
        ('version = "a"\n[default]\nscroll_steps = 1.5', "whole number"),
        ('version = "a"\n[default]\nwords = "more"', "list of words"),
        ('version = "a"\n[[site]]\nscroll_steps = 1', "hosts"),
        ('version = "a"\n[[site]]\nhosts = []', "hosts"),
        ("version = ", "TOML"),
        ("\ufeff\udcff", "UTF-8"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(text: str, said: str) -> None:
    with pytest.raises(SiteRulesError, match=said):
        read_rules("sites.toml", text.encode("utf-8", "surrogateescape"))
