"""How a query is answered: leaves of words from the engine, labels from the caller, then sets."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from search.analysis import words
from search.errors import QuerySyntaxError, UnknownFieldError
from search.query import (
    And,
    Everything,
    Label,
    Node,
    Not,
    Or,
    Term,
    TextNode,
    leaves,
    with_related,
)

if TYPE_CHECKING:
    from search.engine import Engine, Found, LabelSource

SECONDS: Final = 2.0  # of processor time one query may take
_SPELLED_WORDS: Final = 12  # words of a query looked at for did-you-mean


class Hit(NamedTuple):
    """One item found; the score is 0 where only labels were asked for."""

    item_id: str
    score: float


@dataclass(frozen=True, slots=True)
class Answer:
    """Every item a query fits with its score, best first, and what must be said beside it.

    `whole` is False where items may be missing; then `notes` says why, in sentences for a person.
    Ids and scores lie apart: answers are kept, and the collector of garbage passes over tuples of
    plain values, but would visit thousands of pairs again and again.
    """

    ids: tuple[str, ...]
    scores: tuple[float, ...]
    notes: tuple[str, ...]
    whole: bool

    @property
    def hits(self) -> tuple[Hit, ...]:
        """The items with their scores, best first."""
        return tuple(map(Hit, self.ids, self.scores))


@dataclass(frozen=True, slots=True)
class RelatedCounts:
    """How many items fit as typed, and how many more do in related forms."""

    exact: int
    more: int


def search(engine: Engine, query: Node, labels: LabelSource) -> tuple[Hit, ...]:
    """Return every item the query fits, best first; equal scores by item id, newest first.

    :raises QuerySyntaxError: a label is unknown or its value unfit, or the query costs too much
    """
    return answer(engine, query, labels).hits


def answer(engine: Engine, query: Node, labels: LabelSource) -> Answer:
    """Return every item the query fits with what must be said about the answer.

    :raises QuerySyntaxError: a label is unknown or its value unfit, or the query costs too much
    """
    answering = _Answer(engine, labels)
    scores = answering.of(query)
    ordered = sorted(scores.items(), reverse=True)  # by id: no two have the same
    ordered.sort(key=itemgetter(1), reverse=True)  # and leaves those of one score as they are
    ids, ranked = tuple(map(itemgetter(0), ordered)), tuple(map(itemgetter(1), ordered))
    return Answer(ids, ranked, tuple(dict.fromkeys(answering.notes)), answering.whole)


def count_related(engine: Engine, query: Node, labels: LabelSource) -> RelatedCounts:
    """Count what a query finds as typed, and how many more items its related forms add.

    :raises QuerySyntaxError: as `answer`
    """
    exact = _Answer(engine, labels).of(query).keys()
    widened = with_related(query)
    if widened == query:
        return RelatedCounts(len(exact), 0)
    related = _Answer(engine, labels).of(widened).keys()
    return RelatedCounts(len(exact), len(related - exact))


def did_you_mean(engine: Engine, text: str, query: Node, labels: LabelSource) -> str | None:
    """Return the query with its unknown words put right, if that finds something; else None.

    Only words that stand in items the person may see are offered. `text` is what was typed,
    `query` its tree.

    :raises QuerySyntaxError: as `answer`
    """
    better = text
    answering = _Answer(engine, labels)
    asked = [leaf for leaf in leaves(query) if isinstance(leaf, Term)]
    for leaf in asked[:_SPELLED_WORDS]:
        if answering.of(leaf):
            continue
        for word in words(leaf.text):
            near = _visible_near(answering, engine, word)
            if near is not None:
                better = _replaced(better, leaf.text, word, near)
    return better if better != text else None


def _visible_near(answering: _Answer, engine: Engine, word: str) -> str | None:
    if answering.of(Term(word)):
        return None
    for near in engine.words_near(word, 8):
        if near.distance and answering.of(Term(near.word)):
            return near.word
    return None


def _replaced(text: str, typed: str, word: str, near: str) -> str:
    fresh = near if word == typed.casefold() else typed.casefold().replace(word, near)
    return text.replace(typed, fresh)


class _Answer:
    """Answers one query; the universe is fetched once, each leaf asked once."""

    def __init__(self, engine: Engine, labels: LabelSource) -> None:
        self._engine = engine
        self._labels = labels
        self._universe: frozenset[str] | None = None
        self._asked: dict[TextNode, dict[str, float]] = {}
        self._until = time.thread_time() + SECONDS
        self.notes: list[str] = []
        self.whole = True

    @property
    def universe(self) -> frozenset[str]:
        """All items there are to find."""
        if self._universe is None:
            self._universe = self._labels.everything()
        return self._universe

    def of(self, node: Node) -> dict[str, float]:
        """Return the scores of the items a node fits; the caller does not change them."""
        if time.thread_time() > self._until:
            raise QuerySyntaxError(
                f"This search took more than {SECONDS:.0f} seconds of work and was stopped",
                1,
                "Ask for fewer words at once, or more letters before a *",
            )
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
        if node not in self._asked:
            self._asked[node] = self._represented(self._noted(self._engine.find(node)))
        return self._asked[node]

    def _noted(self, found: Found) -> Mapping[str, float]:
        self.notes += found.notes
        self.whole = self.whole and found.whole
        return found.scores

    def _represented(self, found: Mapping[str, float]) -> dict[str, float]:
        """Let what was found at several addresses of one item be found once."""
        universe, same = self.universe, self._labels.same
        if same.keys().isdisjoint(found.keys()):
            return {item_id: score for item_id, score in found.items() if item_id in universe}
        merged: dict[str, float] = {}
        for item_id, score in found.items():
            shown = same.get(item_id, item_id)
            if shown in universe:
                merged[shown] = max(score, merged.get(shown, 0.0))
        return merged

    def _all(self, node: And) -> dict[str, float]:
        """Intersect; parts that take away are asked last and never build the universe."""
        wanted = [part for part in node.parts if not isinstance(part, Not)]
        unwanted = [part.part for part in node.parts if isinstance(part, Not)]
        found = [self.of(part) for part in wanted] or [dict.fromkeys(self.universe, 0.0)]
        found.sort(key=len)
        first = found[0]
        for other in found[1:]:
            first = {key: score + other[key] for key, score in first.items() if key in other}
        for part in unwanted:
            gone = self.of(part)
            first = {key: score for key, score in first.items() if key not in gone}
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
