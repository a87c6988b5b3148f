"""Whoosh as it comes, over the same words: its own codec, writer and searcher, BM25F, top ten."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from whoosh import index, query
from whoosh.analysis import Token, Tokenizer
from whoosh.fields import ID, TEXT, Schema

from search.analysis import words
from search.forms import forms_of
from searching.corpus import Made
from searching.timing import disk, memory, processor, resident, timed

KINDS = ("common term", "two-term AND", "phrase", "prefix", "Chinese", "Arabic", "related")


class Words(Tokenizer):
    """Our words, given to Whoosh one by one."""

    def __init__(self, *, forms: bool) -> None:
        self.forms = forms

    def __call__(
        self, value: str, positions: bool = False, start_pos: int = 0, mode: str = "", **_: Any
    ) -> Iterator[Token]:
        """Yield tokens with their places."""
        token = Token(positions, False, removestops=True, mode=mode)
        token.boost, token.stopped = 1.0, False
        for place, word in enumerate(words(value)):
            token.text = forms_of(word, None)[0] if self.forms else word
            token.pos = start_pos + place
            yield token


def load(made: Sequence[Made], folder: Path) -> dict[str, Any]:
    """Index everything with one writer."""
    folder.mkdir(parents=True, exist_ok=True)
    began, spent = time.perf_counter(), processor()
    columns: dict[str, Any] = {"item_id": ID(stored=True, unique=True)}
    for name in ("title", "text"):
        columns[name] = TEXT(analyzer=Words(forms=False), phrase=True)
        columns[name + "_related"] = TEXT(analyzer=Words(forms=True), phrase=True)
    made_index = index.create_in(folder, Schema(**columns))
    writer = made_index.writer(limitmb=256)
    for one in made:
        writer.add_document(
            item_id=one.item_id, title=one.title, text=one.text,
            title_related=one.title, text_related=one.text,
        )  # fmt: skip
    writer.commit()
    seconds = time.perf_counter() - began
    return {
        "load_s": round(seconds, 1),
        "load_cpu_s": round(processor() - spent, 1),
        "disk_mb": round(disk(folder), 1),
    }


def translated(asked: str) -> query.Query:
    """Return a query as Whoosh's objects, over both fields."""
    forms = "_related" if asked.startswith("~") else ""

    def leaf(part: str) -> query.Query:
        found = words(part)
        if forms:
            found = [forms_of(word, None)[0] for word in found]
        made = []
        for name in ("title" + forms, "text" + forms):
            if part.endswith("*"):
                made.append(query.Prefix(name, found[0]))
            elif len(found) == 1:
                made.append(query.Term(name, found[0]))
            else:
                made.append(query.Phrase(name, found))
        return query.Or(made)

    if asked.startswith('"'):
        return leaf(asked)
    parts = [leaf(part) for part in asked.split()]
    return parts[0] if len(parts) == 1 else query.And(parts)


def opened(folder: Path) -> tuple[Any, Any, float]:
    """Open the index until it answers; return it, a searcher, and how many milliseconds it took."""
    began = time.process_time()
    opened_index = index.open_dir(folder)
    searcher = opened_index.searcher()
    searcher.search(query.Term("text", "nothing"), limit=10)
    return opened_index, searcher, (time.process_time() - began) * 1000


def ask(folder: Path, asked: dict[str, list[str]]) -> dict[str, Any]:
    """Open the index and time the kinds of query stock Whoosh has."""
    before, all_before = memory(), resident()
    opened_index, searcher, _ = opened(folder)

    def count(text: str) -> int:
        found = searcher.search(translated(text), limit=10)
        [hit["item_id"] for hit in found]
        return len(found)

    kinds = {kind: timed(count, some) for kind, some in asked.items() if kind in KINDS}
    grown, all_grown = memory() - before, resident() - all_before
    adding = []
    for number in range(5):
        began = time.perf_counter()
        writer = opened_index.writer()
        writer.update_document(item_id=f"new{number}", text=f"a brandnewword{number} here")
        writer.commit()
        with opened_index.searcher() as fresh:
            fresh.search(query.Term("text", f"brandnewword{number}"), limit=1)
        adding.append((time.perf_counter() - began) * 1000)
    return {
        "memory_mb": round(grown, 1), "resident_mb": round(all_grown, 1),
        "add_to_visible_ms": round(max(adding), 1), "kinds": kinds,
    }  # fmt: skip
