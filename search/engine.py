"""What an engine must do: the seam. tests/search/contract.py is its test suite.

An engine answers leaves: words in, items with scores out. Labels (tags, fields, dates) are asked
of a `LabelSource`, so that a bulk tag never re-indexes a text (decisions 18);
`search.answering` puts the tree together from both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from search.answering import (
    Answer,
    Hit,
    RelatedCounts,
    answer,
    count_related,
    did_you_mean,
    search,
)
from search.documents import Document
from search.query import Label, TextNode

__all__ = [
    "Answer",
    "Engine",
    "Found",
    "Health",
    "Hit",
    "IndexState",
    "LabelSource",
    "NearWord",
    "Progress",
    "RelatedCounts",
    "answer",
    "count_related",
    "did_you_mean",
    "search",
]


class LabelSource(Protocol):
    """What an item is called besides its words, within what a person may see."""

    def resolve(self, label: Label) -> frozenset[str]:
        """Return the ids of the items the label fits.

        :raises UnknownFieldError: there is no such field, or the value does not fit it
        """
        ...

    def everything(self) -> frozenset[str]:
        """Return the ids of all items searched."""
        ...

    @property
    def same(self) -> Mapping[str, str]:
        """Items that stand in no list by themselves, each with the one that stands for it."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """What one leaf finds.

    `notes` are sentences for the person who asked: a cap that was reached, a part of the index
    that could not be read. `whole` is False where items may be missing for such a reason.
    """

    scores: Mapping[str, float]
    notes: tuple[str, ...] = ()
    whole: bool = True


@dataclass(frozen=True, slots=True)
class NearWord:
    """A word of the index that is spelled much like another, and in how many items it stands."""

    word: str
    distance: int
    items: int


class IndexState(StrEnum):
    """How an index stands."""

    READY = "ready"
    MISSING = "missing"  # never built; an indexer makes it
    REBUILDING = "rebuilding"  # whole, and being made anew beside
    DAMAGED = "damaged"  # a part cannot be read; it is made anew


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rebuild is: events seen, events there are, items indexed."""

    position: int
    head: int
    items: int


@dataclass(frozen=True, slots=True)
class Health:
    """What there is to say about an index.

    `generation` counts rebuilds; `position` is the event up to which the index stands.
    """

    state: IndexState
    generation: int
    position: int
    items: int
    progress: Progress | None = None
    reason: str = ""
    parts: int = field(default=0)


class Engine(Protocol):
    """A full-text index. Safe for any number of threads and processes reading; one writes."""

    def position(self) -> int:
        """Return the feed's position up to which the index stands; 0 when empty. Never raises."""
        ...

    def apply(self, documents: Sequence[Document], removed: Sequence[str], position: int) -> None:
        """Index and remove, and store the position, in one commit.

        Done twice it changes nothing. An item in both lists is indexed.

        :raises IndexDamagedError: the index is to be made anew first
        """
        ...

    def find(self, node: TextNode) -> Found:
        """Return item ids with their scores (BM25, fields weighted) for words.

        Never raises for a damaged index: what can be read is answered, and said.
        """
        ...

    def words_near(self, word: str, limit: int) -> Sequence[NearWord]:
        """Return indexed words at most two edits away, nearest and most frequent first."""
        ...

    def health(self) -> Health:
        """Return how the index stands; never raises."""
        ...

    def close(self) -> None:
        """Let go of the files."""
        ...
