"""Adding a clause to a query and taking it out again: what a facet's link does to the text."""

from __future__ import annotations

import re
from typing import Final

from search.errors import QuerySyntaxError
from search.query import And, Everything, Label, Node, Or, parse_query
from search.tree import NO_VALUE

_CLAUSE: Final = re.compile(
    r"""[^\W\d][\w-]*:(?:"(?:[^"\\]|\\.)*"|["“”„«»](?:[^"“”„«»\\]|\\.)*["“”„«»]|[^\s()"“”„«»]+)"""
)
_AND_BEFORE: Final = re.compile(r"(?:\s+AND)?\s*$")
_AND_AFTER: Final = re.compile(r"^\s*(?:AND\s+)?")


def labels_above(query: Node) -> list[Label]:
    """Return the labels that every hit fits: those not inside OR or NOT."""
    parts = query.parts if isinstance(query, And) else (query,)
    return [part for part in parts if isinstance(part, Label)]


def narrowed(text: str, clause: str) -> str:
    """Return the query with one more clause that every hit must fit.

    >>> narrowed("cotton OR rail", "tag:x")
    '(cotton OR rail) tag:x'
    """
    text = text.strip()
    if isinstance(parse_query(text), Or):
        text = f"({text})"
    return f"{text} {clause}".strip()


def holds(query: Node, clause: str) -> Label | None:
    """Return the label in `query` that says the same as the clause; None where there is none."""
    wanted = parse_query(clause)
    if not isinstance(wanted, Label):
        return None
    return next((one for one in labels_above(query) if _said(one) == _said(wanted)), None)


def _said(label: Label) -> tuple[str, str, bool]:
    """Return what a label says: quotes matter where the word alone means something else."""
    value = label.value.casefold()
    return label.field, value, label.quoted and value in NO_VALUE


def widened(text: str, label: Label) -> str:
    """Return the query without a clause of it; unchanged where that would break it.

    >>> from search.query import parse_query
    >>> widened("cotton AND tag:x", holds(parse_query("cotton AND tag:x"), "tag:x"))
    'cotton'
    """
    match = _CLAUSE.match(text, label.column - 1)
    if match is None:
        return text
    before, after = text[: match.start()], text[match.end() :]
    if before.strip():
        left = f"{_AND_BEFORE.sub('', before)} {after.strip()}".strip()
    else:
        left = _AND_AFTER.sub("", after).strip()
    try:
        parsed = parse_query(left)
    except QuerySyntaxError:
        return text
    return "" if isinstance(parsed, Everything) else left


def toggled(text: str, query: Node, clause: str) -> tuple[str, bool]:
    """Return the query with the clause put in or taken out, and whether it stood there."""
    label = holds(query, clause)
    return (narrowed(text, clause), False) if label is None else (widened(text, label), True)
