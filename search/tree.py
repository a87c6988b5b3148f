"""The tree a query is read into, and what is made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

NO_VALUE: Final = frozenset({"none", "unknown"})
"""Values that ask for what has none, unless they stand in quotes and something is called so."""


class TextField(StrEnum):
    """The fields that hold words; every other name before a colon is a label."""

    TITLE = "title"
    TEXT = "text"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Term:
    """A word, or several that stand together as in a hyphenated one."""

    text: str
    field: TextField | None = None
    related: bool = False


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words one after the other; with `slop`, at most that many words in between, in any order."""

    text: str
    field: TextField | None = None
    slop: int = 0
    related: bool = False


@dataclass(frozen=True, slots=True)
class Prefix:
    """Words that begin so."""

    text: str
    field: TextField | None = None


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """Words within `distance` edits (1 or 2)."""

    text: str
    distance: int
    field: TextField | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """A name and a value that are looked up outside the text: tags, fields, dates, states."""

    field: str
    value: str
    column: int
    quoted: bool = False
    """The value stands in quotes: where something is called just so, that alone is meant."""


@dataclass(frozen=True, slots=True)
class And:
    """All of them."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of them."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Everything but this."""

    part: Node


@dataclass(frozen=True, slots=True)
class Everything:
    """The empty query."""


TextNode = Term | Phrase | Prefix | Fuzzy
Node = Term | Phrase | Prefix | Fuzzy | Label | And | Or | Not | Everything


def leaves(node: Node) -> Iterator[TextNode]:
    """Yield the words a query asks for; those it takes away (NOT) are left out."""
    if isinstance(node, And | Or):
        for part in node.parts:
            yield from leaves(part)
    elif isinstance(node, TextNode):
        yield node


def with_related(node: Node) -> Node:
    """Return the same query with related forms on, under NOT as well."""
    return _mapped(
        node, lambda leaf: replace(leaf, related=True) if isinstance(leaf, Term | Phrase) else leaf
    )


def within(node: Node, field: TextField) -> Node:
    """Return the same query, asked of one text field."""
    return _mapped(node, lambda leaf: replace(leaf, field=field))


def _mapped(node: Node, change: Callable[[TextNode], TextNode]) -> Node:
    if isinstance(node, And | Or):
        return type(node)(tuple(_mapped(part, change) for part in node.parts))
    if isinstance(node, Not):
        return Not(_mapped(node.part, change))
    if isinstance(node, TextNode):
        return change(node)
    return node
