"""Holdfast's engine, asked as the library page asks it: the whole answer, ranked."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import Any

from search.bulk import Builders, split
from search.documents import Document
from search.engine import answer
from search.query import Label, Term, leaves, parse_query
from search.results import snippet
from search.whoosh_engine import WhooshEngine, build_segments
from searching.corpus import Made
from searching.timing import disk, memory, processor, resident, timed

_AT_ONCE = 4000


class Labels:
    """Labels of the made documents, held in memory: only words are measured."""

    def __init__(self, made: Sequence[Made]) -> None:
        self._all = frozenset(one.item_id for one in made)
        ordered = sorted((one.day, one.item_id) for one in made)
        self._days = [day for day, _id in ordered]
        self._ids = [item_id for _day, item_id in ordered]

    def everything(self) -> frozenset[str]:
        return self._all

    @property
    def same(self) -> dict[str, str]:
        return {}

    def resolve(self, label: Label) -> frozenset[str]:
        year, month = (int(part) for part in label.value.split("-"))
        first = date(year, month, 1)
        at = bisect_left(self._days, first)
        return frozenset(self._ids[at:] if label.field == "after" else self._ids[:at])


def document(one: Made) -> Document:
    """Return a made document as the feed gives it."""
    return Document(one.item_id, "p", one.title, one.text, "", "", one.language)


def load(made: Sequence[Made], folder: Path, *, processes: int) -> dict[str, Any]:
    """Index everything in bulk."""
    began, spent = time.perf_counter(), processor()
    engine = WhooshEngine(folder)
    with Builders(processes) if processes > 1 else nullcontext() as builders:
        build = builders.build if builders else build_segments
        for at in range(0, len(made), _AT_ONCE):
            batch = [document(one) for one in made[at : at + _AT_ONCE]]
            engine.apply_built(split(batch, processes), build, [], at + len(batch))
    while engine.tidy():
        pass
    seconds = time.perf_counter() - began
    engine.close()
    return {
        "load_s": round(seconds, 1),
        "load_cpu_s": round(processor() - spent, 1),
        "disk_mb": round(disk(folder), 1),
    }


def opened(folder: Path) -> tuple[WhooshEngine, float]:
    """Open the index until it answers; return it, and how long that took, in milliseconds."""
    began = time.process_time()
    engine = WhooshEngine(folder)
    engine.find(Term("nothing"))
    return engine, (time.process_time() - began) * 1000


def ask(made: Sequence[Made], folder: Path, asked: dict[str, list[str]]) -> dict[str, Any]:
    """Open the index and time every kind of query."""
    before, all_before = memory(), resident()
    engine, _ = opened(folder)
    labels = Labels(made)
    by_id = {one.item_id: one for one in made}

    def count(query: str) -> int:
        return len(answer(engine, parse_query(query), labels).hits)

    def facets(query: str) -> int:
        hits = answer(engine, parse_query(query), labels).hits
        for key in ("language", "outcome", "site"):
            Counter(getattr(by_id[hit.item_id], key) for hit in hits)
        return len(hits)

    def marked(query: str) -> int:
        tree = parse_query(query)
        hits = answer(engine, tree, labels).hits
        for hit in hits[:10]:
            snippet(by_id[hit.item_id].text, tree)
        return len(hits)

    def by_day(query: str) -> int:
        hits = answer(engine, parse_query(query), labels).hits
        return len(sorted(hits, key=lambda hit: by_id[hit.item_id].day))

    acts = {"facets": facets, "highlight of ten": marked, "sort by date": by_day}
    kinds: dict[str, Any] = {}
    for kind, some in asked.items():
        kinds[kind] = timed(acts.get(kind, count), some)
    grown, all_grown = memory() - before, resident() - all_before
    adding = []
    for number in range(10):
        began = time.perf_counter()
        fresh = Document(f"new{number}", "p", "", f"a brandnewword{number} here", "", "", "en")
        engine.apply([fresh], [], len(made) + number + 1)
        if not engine.find(next(leaves(parse_query(f"brandnewword{number}")))).scores:
            raise SystemExit("what was added is not found")
        adding.append((time.perf_counter() - began) * 1000)
    engine.close()
    return {
        "memory_mb": round(grown, 1),
        "resident_mb": round(all_grown, 1), "add_to_visible_ms": round(max(adding), 1),
        "kinds": kinds,
    }  # fmt: skip
