"""The embedded engine: Whoosh. Each text field stands twice, exactly and in related forms."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from whoosh import index, query
from whoosh.analysis import Token as WhooshToken
from whoosh.analysis import Tokenizer
from whoosh.fields import ID, STORED, TEXT, Schema
from whoosh.scoring import BM25F
from whoosh.searching import Searcher

from search.analysis import ANALYSIS_VERSION, is_unspaced, normalise, related, words
from search.documents import Document
from search.engine import Found, Health, IndexState, NearWord
from search.errors import IndexDamagedError
from search.query import Fuzzy, Phrase, Prefix, Term, TextField, TextNode

INDEX_NAME: Final = f"holdfast{ANALYSIS_VERSION}"
_POSITION_ID: Final = "\x00position"  # the one document that is no item
_FIELDS: Final = {TextField.TITLE: "title", TextField.TEXT: "text", TextField.NOTE: "notes"}
_BOOST: Final = {"title": 2.0, "text": 1.0, "notes": 1.0}
_EXPANSIONS: Final = 5000  # words a prefix or fuzzy term may stand for


class _Words(Tokenizer):
    """Our words as Whoosh wants them; the analysis itself stands in search/analysis.py."""

    def __init__(self, *, forms: bool) -> None:
        self.forms = forms

    def __call__(
        self, value: str, positions: bool = False, start_pos: int = 0, mode: str = "", **_: Any
    ) -> Iterator[WhooshToken]:
        """Yield tokens with their positions."""
        token = WhooshToken(positions, False, removestops=True, mode=mode)
        token.boost = 1.0
        token.stopped = False
        for position, word in enumerate(words(value)):
            token.text = related(word) if self.forms else word
            token.pos = start_pos + position
            yield token


def _schema() -> Schema:
    columns: dict[str, Any] = {"item_id": ID(unique=True, stored=True), "position": STORED}
    for name in _FIELDS.values():
        columns[name] = TEXT(analyzer=_Words(forms=False), phrase=True, stored=False)
        columns[f"{name}_related"] = TEXT(analyzer=_Words(forms=True), phrase=True, stored=False)
    return Schema(**columns)


class WhooshEngine:
    """One index folder. Any number of readers; one writer at a time, by the caller's care."""

    def __init__(self, folder: Path) -> None:
        """Open the index, making an empty one where there is none.

        :raises IndexDamagedError: there is one that cannot be read
        """
        self._folder = folder
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        try:
            if index.exists_in(folder, indexname=INDEX_NAME):
                self._index = index.open_dir(folder, indexname=INDEX_NAME)
            else:
                self._index = index.create_in(folder, _schema(), indexname=INDEX_NAME)
            self._searcher: Searcher = self._index.searcher(weighting=BM25F())
        except (index.IndexError, OSError, EOFError, ValueError, KeyError, TypeError) as error:
            raise IndexDamagedError(f"the index in {folder} is damaged: {error}") from error

    def position(self) -> int:
        """Return how far along the feed the index stands."""
        stored = self._fresh().document(item_id=_POSITION_ID)
        return int(stored["position"]) if stored else 0

    def apply(self, documents: Sequence[Document], removed: Sequence[str], position: int) -> None:
        """Index, remove and store the position, in one commit."""
        writer = self._index.writer(timeout=30.0)
        try:
            for item_id in removed:
                writer.delete_by_term("item_id", item_id)
            for document in documents:
                writer.update_document(**_columns(document))
            writer.update_document(item_id=_POSITION_ID, position=position)
        except BaseException:
            writer.cancel()
            raise
        writer.commit()

    def find(self, node: TextNode) -> Found:
        """Return the items in which the words stand, with scores."""
        asked = _translated(node)
        if asked is None:
            return Found({})
        searcher = self._fresh()
        results = searcher.search(asked, limit=None, optimize=False)
        return Found(
            {searcher.stored_fields(number)["item_id"]: score for score, number in results.top_n}
        )

    def words_near(self, word: str, limit: int) -> Sequence[NearWord]:
        """Return indexed words at most two edits away."""
        reader = self._fresh().reader()
        near = (
            NearWord(found, distance, reader.doc_frequency("text", found))
            for distance in (1, 2)
            for found in reader.terms_within("text", word, distance, prefix=1)
        )
        return sorted(near, key=lambda one: (one.distance, -one.items))[:limit]

    def health(self) -> Health:
        """Return how the index stands."""
        return Health(IndexState.READY, 0, self.position(), self._fresh().doc_count() - 1)

    def close(self) -> None:
        """Let go of the files."""
        with self._lock:
            self._searcher.close()
            self._index.close()

    def _fresh(self) -> Searcher:
        with self._lock:
            if not self._searcher.up_to_date():
                # refresh() fails on an index that was empty; threads may still read the old one.
                self._searcher = self._index.searcher(weighting=BM25F())
            return self._searcher


def discard_index(folder: Path) -> None:
    """Take an index away, so that the next opening makes a new one: it is derived."""
    shutil.rmtree(folder, ignore_errors=True)


def _columns(document: Document) -> dict[str, str]:
    texts = {
        "title": document.title,
        # The address's words are found too, behind the text, where no phrase can join them.
        "text": document.text,
        "notes": document.notes,
    }
    both = texts | {f"{name}_related": text for name, text in texts.items()}
    return {"item_id": document.item_id, **both}


def _translated(node: TextNode) -> query.Query | None:
    """Turn a leaf into a Whoosh query over its fields; None where nothing of it is a word."""
    names = list(_FIELDS.values()) if node.field is None else [_FIELDS[node.field]]
    forms = isinstance(node, Term | Phrase) and node.related
    parts = [
        made for name in names if (made := _in_field(node, f"{name}_related" if forms else name))
    ]
    if not parts:
        return None
    for part, name in zip(parts, names, strict=True):
        part.boost = _BOOST[name]
    return parts[0] if len(parts) == 1 else query.Or(parts)


def _in_field(node: TextNode, name: str) -> query.Query | None:
    found = words(node.text)
    if not found:
        return None
    if isinstance(node, Prefix):
        return _prefix(found, name)
    if isinstance(node, Fuzzy):
        last = "".join(normalise(node.text)) or found[0]
        return query.FuzzyTerm(name, last, maxdist=node.distance, prefixlength=1)
    if isinstance(node, Term | Phrase) and node.related:
        found = [related(word) for word in found]
    if len(found) == 1:
        return query.Term(name, found[0])
    slop = node.slop + 1 if isinstance(node, Phrase) else 1
    if isinstance(node, Phrase) and node.slop:
        return _near(found, name, slop)
    return query.Phrase(name, found, slop=1)


def _near(found: Sequence[str], name: str, slop: int) -> query.Query:
    """Words within a distance of one another, in any order."""
    return query.Or(
        [
            query.Phrase(name, list(found), slop=slop),
            query.Phrase(name, list(reversed(found)), slop=slop),
        ]
    )


def _prefix(found: Sequence[str], name: str) -> query.Query:
    if is_unspaced(found[-1]):  # a substring already
        return query.Phrase(name, list(found)) if len(found) > 1 else query.Term(name, found[0])
    if len(found) == 1:
        return query.Prefix(name, found[0])
    spans = [query.Term(name, word) for word in found[:-1]] + [query.Prefix(name, found[-1])]
    return query.And(spans)
