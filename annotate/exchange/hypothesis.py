"""Annotations of Hypothesis, as its API hands them out: `{"rows": [...]}` of /api/search.

Fields as in h.readthedocs.io/en/latest/api-reference/v1 (Annotation); only what has a place here
is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from annotate.exchange.fragments import apart, is_fragment
from annotate.exchange.marks import Mark
from archive.clock import parse_instant

NAME_PREFIX = "https://hypothes.is/a/"


def rows_of(document: object) -> Sequence[Any] | None:
    """Return the annotations of an export; None where it is none."""
    if isinstance(document, Mapping) and isinstance(document.get("rows"), list):
        rows: list[Any] = document["rows"]
        return rows
    return None


def read(rows: Sequence[Any]) -> tuple[list[Mark], list[str]]:
    """Return the marks, and in words which rows cannot be read."""
    found: list[Mark] = []
    faults: list[str] = []
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, Mapping):
            faults.append(f"Row {number} is no annotation.")
            continue
        name = _text(row, "id")
        targets = row.get("target")
        target = targets[0] if isinstance(targets, list) and targets else {}
        target = target if isinstance(target, Mapping) else {}
        source = _text(row, "uri") or _text(target, "source")
        if not name or not source:
            faults.append(f"Row {number} has no {'uri' if name else 'id'}.")
            continue
        found.append(_mark(row, name, source, target))
    return found, faults


def _mark(row: Mapping[str, Any], name: str, source: str, target: Mapping[str, Any]) -> Mark:
    selectors = target.get("selector")
    held = {
        one.get("type"): one
        for one in (selectors if isinstance(selectors, list) else [])
        if isinstance(one, Mapping)
    }
    quote = held.get("TextQuoteSelector", {})
    position = held.get("TextPositionSelector", {})
    tags = row.get("tags")
    page, fragment = apart(source)
    value = _text(held.get("FragmentSelector", {}), "value")  # of a page it is an element's name
    return Mark(
        name=f"{NAME_PREFIX}{name}",
        source=page,
        fragment=value if is_fragment(value) else fragment,
        exact=_text(quote, "exact"),
        prefix=_text(quote, "prefix"),
        suffix=_text(quote, "suffix"),
        start=_whole(position, "start"),
        end=_whole(position, "end"),
        body=_text(row, "text").strip(),
        tags=tuple(str(tag) for tag in tags) if isinstance(tags, list) else (),
        maker=_text(row, "user").removeprefix("acct:")[:300],
        made_at=moment(row.get("created")),
        is_reply=bool(row.get("references")),
    )


def moment(text: object) -> datetime | None:
    """Read an instant as annotation programs write it; None where it is none."""
    try:
        return parse_instant(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    return value if isinstance(value, str) else ""


def _whole(row: Mapping[str, Any], key: str) -> int | None:
    value = row.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
