"""Words of notes in the search index, kept from whoever codes the noted items blind.

The index is outside the database, where the rule of visibility.py lies on every query.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from search.documents import Document
from search.engine import Engine, Found, Health, NearWord
from search.query import TextField, TextNode


class BlindEngine:
    """A search engine that does not find a person's blind items by words of their notes."""

    def __init__(self, engine: Engine, hidden: frozenset[str]) -> None:
        self._engine = engine
        self._hidden = hidden

    def find(self, node: TextNode) -> Found:
        """Return what the engine finds; hidden items only by title and text."""
        found = self._engine.find(node)
        if node.field in {TextField.TITLE, TextField.TEXT} or self._hidden.isdisjoint(found.scores):
            return found
        scores = {key: score for key, score in found.scores.items() if key not in self._hidden}
        if node.field is None:
            for field in (TextField.TITLE, TextField.TEXT):
                for key, score in self._engine.find(replace(node, field=field)).scores.items():
                    if key in self._hidden:
                        scores[key] = scores.get(key, 0.0) + score
        return replace(found, scores=scores)

    def words_near(self, word: str, limit: int) -> Sequence[NearWord]:
        """Suggest nothing: the words of the index include those of notes."""
        del word, limit
        return ()

    def position(self) -> int:
        """Return the engine's position."""
        return self._engine.position()

    def health(self) -> Health:
        """Return how the engine's index stands."""
        return self._engine.health()

    def apply(self, documents: Sequence[Document], removed: Sequence[str], position: int) -> None:
        """Index through the engine."""
        self._engine.apply(documents, removed, position)

    def close(self) -> None:
        """Leave the engine open: it is shared."""
