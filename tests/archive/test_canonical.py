"""Canonical JSON is what the reference writes, byte for byte."""

from __future__ import annotations

import random
from enum import StrEnum
from typing import Any

import pytest
import rfc8785

from archive.canonical import canonical

LETTERS = [
    "a", "Z", "0", " ", "/", '"', "\\", "<", "&", *map(chr, range(0x20)), "\x7f", "\x80", "\xad",
    "\u0622", "\u0301", "\u200d", "\u2028", "\u2029", "\ufeff", "\uffff", "棉", "\ue000", "\U0001f600",
    "\U0010ffff",
]  # fmt: skip


class Word(StrEnum):
    ONE = "one"


def made(chance: random.Random, depth: int = 0) -> Any:
    kind = chance.randrange(9 if depth < 4 else 6)
    if kind < 2:
        return "".join(chance.choices(LETTERS, k=chance.randrange(8)))
    if kind < 6:
        return chance.choice(
            [None, True, False, 0, -1, 2**53 - 1, -(2**53) + 1, 0.5, 1e30, -0.0, 1.0, Word.ONE]
        )
    some = [made(chance, depth + 1) for _ in range(chance.randrange(5))]
    if kind < 7:
        return some
    ascii_only = chance.random() < 0.7
    names = LETTERS[:40] if ascii_only else LETTERS
    return {"".join(chance.choices(names, k=3)): one for one in some}


def test_thousands_of_documents_are_written_as_the_reference_writes_them() -> None:
    chance = random.Random(8785)
    documents = [made(chance) for _ in range(6000)]
    assert [canonical(one) for one in documents] == [rfc8785.dumps(one) for one in documents]


@pytest.mark.parametrize("document", [2**53, float("nan"), "\ud800", {"a": ["\udc00"]}, {1: 2}])
def test_what_has_no_canonical_form_is_refused(document: Any) -> None:
    with pytest.raises(rfc8785.CanonicalizationError):
        canonical(document)
