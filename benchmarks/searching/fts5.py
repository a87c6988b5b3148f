"""SQLite's FTS5 over the same words: our analysis, joined by spaces, so that counts must agree."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from search.analysis import words
from searching.corpus import Made
from searching.timing import disk, memory, processor, resident, timed


def load(made: Sequence[Made], folder: Path) -> dict[str, Any]:
    """Index everything in one transaction."""
    folder.mkdir(parents=True, exist_ok=True)
    began, spent = time.perf_counter(), processor()
    base = sqlite3.connect(folder / "fts.sqlite3")
    base.execute(
        'create virtual table d using fts5(title, text, tokenize="unicode61 remove_diacritics 0")'
    )
    base.execute("create table label(id integer primary key, language, outcome, site, day)")
    for number, one in enumerate(made, 1):
        base.execute(
            "insert into d(rowid, title, text) values (?, ?, ?)",
            (number, " ".join(words(one.title)), " ".join(words(one.text))),
        )
        base.execute(
            "insert into label values (?, ?, ?, ?, ?)",
            (number, one.language, one.outcome, one.site, one.day.isoformat()),
        )
    base.commit()
    base.close()
    return {
        "load_s": round(time.perf_counter() - began, 1), "load_cpu_s": round(processor() - spent, 1), "disk_mb": round(disk(folder), 1),
    }  # fmt: skip


def expression(query: str) -> str:
    """Return a query in FTS5's language."""
    parts = []
    for part in query.split() if '"' not in query else [query]:
        if part.startswith(("after:", "before:")):
            continue
        phrase = " ".join(words(part))
        parts.append(f'"{phrase}"' + (" *" if part.endswith("*") else ""))
    return " AND ".join(parts)


def opened(folder: Path) -> tuple[sqlite3.Connection, float]:
    """Open the database until it answers; return it, and how long that took, in milliseconds."""
    began = time.process_time()
    base = sqlite3.connect(folder / "fts.sqlite3")
    base.execute("select rowid from d where d match 'nothing'").fetchall()
    return base, (time.process_time() - began) * 1000


def ask(folder: Path, asked: dict[str, list[str]]) -> dict[str, Any]:
    """Open the index and time the kinds of query FTS5 has."""
    before, all_before = memory(), resident()
    base, _ = opened(folder)
    match = "from d where d match ?"

    def count(query: str) -> int:
        base.execute(
            f"select rowid {match} order by rank limit 10", (expression(query),)
        ).fetchall()
        return int(base.execute(f"select count(*) {match}", (expression(query),)).fetchone()[0])

    def dated(query: str) -> int:
        joined = "from d join label on label.id = d.rowid where d match ? and day between '2020-03-01' and '2020-08-31'"
        asked_for = (expression(query),)
        base.execute(f"select d.rowid {joined} order by rank limit 10", asked_for).fetchall()
        return int(base.execute(f"select count(*) {joined}", asked_for).fetchone()[0])

    def facets(query: str) -> int:
        total = count(query)
        for key in ("language", "outcome", "site"):
            base.execute(
                f"select {key}, count(*) from d join label on label.id = d.rowid where d match ? group by 1",
                (expression(query),),
            ).fetchall()
        return total

    def marked(query: str) -> int:
        base.execute(
            f"select snippet(d, 1, '[', ']', '…', 20) {match} order by rank limit 10",
            (expression(query),),
        ).fetchall()
        return count(query)

    def by_day(query: str) -> int:
        joined = "from d join label on label.id = d.rowid where d match ? order by day limit 10"
        base.execute(f"select d.rowid {joined}", (expression(query),)).fetchall()
        return int(base.execute(f"select count(*) {match}", (expression(query),)).fetchone()[0])

    acts = {
        "date range + term": dated,
        "facets": facets,
        "highlight of ten": marked,
        "sort by date": by_day,
    }
    kinds = {
        kind: timed(acts.get(kind, count), some)
        for kind, some in asked.items() if kind not in {"fuzzy", "related"}
    }  # fmt: skip
    grown, all_grown = memory() - before, resident() - all_before
    base.close()
    return {
        "memory_mb": round(grown, 1), "resident_mb": round(all_grown, 1), "kinds": kinds,
    }  # fmt: skip
