"""What an engine must do, and how a query is answered from its leaves: the seam.

Words are asked of the engine; labels (tags, fields, dates) of a `LabelSource`, so that a bulk
tag never re-indexes a text (decisions 18). The tree is then put together from sets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from search.documents import Document
from search.errors import QuerySyntaxError, UnknownFieldError
from search.query import And, Everything, Fuzzy, Label, Node, Not, Or, Phrase, Prefix, Term

TextNode = Term | Phrase | Prefix | Fuzzy


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

    def representative(self, item_id: str) -> str:
        """Return the item that stands for this one in lists: itself, unless judged the same."""
        ...


class Engine(Protocol):
    """A full-text index."""

    def position(self) -> int:
        """Return the feed's position up to which the index stands; 0 when empty."""
        ...

    def apply(self, documents: Sequence[Document], removed: Sequence[str], position: int) -> None:
        """Index and remove, and store the position, in one commit."""
        ...

    def find(self, node: TextNode) -> Mapping[str, float]:
        """Return item ids with their scores (BM25F) for words."""
        ...

    def close(self) -> None:
        """Let go of the files."""
        ...


@dataclass(frozen=True, slots=True)
class Hit:
    """One item found; the score is 0 where only labels were asked for."""

    item_id: str
    score: float


def search(engine: Engine, query: Node, labels: LabelSource) -> tuple[Hit, ...]:
    """Return every item the query fits, best first; equal scores by item id, newest first.

    :raises QuerySyntaxError: a label is unknown or its value unfit
    """
    scores = _Answer(engine, labels).of(query)
    ordered = sorted(scores.items(), key=lambda pair: pair[0], reverse=True)
    ordered.sort(key=lambda pair: -pair[1])
    return tuple(Hit(item_id, score) for item_id, score in ordered)


class _Answer:
    """Answers one query; the universe is fetched once, and only when needed."""

    def __init__(self, engine: Engine, labels: LabelSource) -> None:
        self._engine = engine
        self._labels = labels
        self._universe: frozenset[str] | None = None

    @property
    def universe(self) -> frozenset[str]:
        """All items there are to find."""
        if self._universe is None:
            self._universe = self._labels.everything()
        return self._universe

    def of(self, node: Node) -> dict[str, float]:
        """Return the scores of the items a node fits."""
        if isinstance(node, Everything):
            return dict.fromkeys(self.universe, 0.0)
        if isinstance(node, Label):
            return self._represented(dict.fromkeys(self._resolved(node), 0.0))
        if isinstance(node, Not):
            return dict.fromkeys(self.universe - self.of(node.part).keys(), 0.0)
        if isinstance(node, And):
            return self._all(node)
        if isinstance(node, Or):
            return self._any(node)
        return self._represented(self._engine.find(node))

    def _represented(self, found: Mapping[str, float]) -> dict[str, float]:
        """Let what was found at several addresses of one item be found once."""
        merged: dict[str, float] = {}
        for item_id, score in found.items():
            shown = self._labels.representative(item_id)
            if shown in self.universe:
                merged[shown] = max(score, merged.get(shown, 0.0))
        return merged

    def _all(self, node: And) -> dict[str, float]:
        first, *rest = (self.of(part) for part in node.parts)
        for other in rest:
            first = {key: score + other[key] for key, score in first.items() if key in other}
        return first

    def _any(self, node: Or) -> dict[str, float]:
        merged: dict[str, float] = {}
        for part in node.parts:
            for key, score in self.of(part).items():
                merged[key] = merged.get(key, 0.0) + score
        return merged

    def _resolved(self, label: Label) -> frozenset[str]:
        try:
            return self._labels.resolve(label)
        except UnknownFieldError as error:
            raise QuerySyntaxError(
                str(error),
                label.column,
                f'To search the words themselves write "{label.field}:{label.value}" in quotes',
            ) from error
