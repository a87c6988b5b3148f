"""What is indexed, and the feed that says what changed; annotate/ supplies both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Document:
    """The words of one item; `language` is the text's (ISO 639-1), None where it is not known."""

    item_id: str
    project: str
    title: str
    text: str
    notes: str
    url: str
    language: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeBatch:
    """Items that changed after one position and up to `position`."""

    position: int
    item_ids: tuple[str, ...]


class Feed(Protocol):
    """A stream of changes with positions that only grow."""

    def head(self) -> int:
        """Return the last position there is."""
        ...

    def changed_since(self, position: int, limit: int) -> ChangeBatch:
        """Return the items changed after `position`, at most `limit` changes on."""
        ...

    def documents(self, item_ids: Sequence[str]) -> Iterable[Document]:
        """Return the documents of those items that have one; the rest leave the index."""
        ...
