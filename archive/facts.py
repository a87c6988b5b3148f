"""What a captured page showed of itself, written as JSON and read again; the one place for it."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from archive.page import DatePrecision, PageFacts, ShownDate


def dump_facts(facts: PageFacts) -> str:
    """Write page facts as one line of JSON; times as ISO 8601 with the offset they came with."""
    kept = asdict(facts)
    del kept["body"]  # stands in the text rendition
    return json.dumps(kept, ensure_ascii=False, sort_keys=True, default=_plain)


def load_facts(text: str) -> PageFacts:
    """Read what `dump_facts` wrote; "{}" is a page that showed nothing."""
    stored: dict[str, Any] = json.loads(text)
    return PageFacts(
        author=stored.get("author"),
        author_handles=tuple(stored.get("author_handles", ())),
        dates=tuple(_shown(one) for one in stored.get("dates", ())),
        mentions=tuple(stored.get("mentions", ())),
        language=stored.get("language"),
    )


def _shown(stored: dict[str, Any]) -> ShownDate:
    return ShownDate(
        raw=stored["raw"],
        precision=DatePrecision(stored["precision"]),
        instant=datetime.fromisoformat(stored["instant"]) if stored["instant"] else None,
        day=date.fromisoformat(stored["day"]) if stored["day"] else None,
        selector=stored["selector"],
    )


def _plain(value: object) -> str:
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in page facts")
