"""The events as the search index sees them: which items changed, and their words now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import func, select

from annotate.db import Database
from annotate.models import Event, EventKind, Item, Note
from annotate.services.item_words import words_of
from search.documents import ChangeBatch, Document

# Only these change the words of an item; tags and fields are joined at query time.
_WORDS_CHANGE: Final = frozenset(
    {
        EventKind.ITEM_CREATE,
        EventKind.CAPTURE_STORE,
        EventKind.CAPTURE_IMPORT,
        EventKind.CAPTURE_READ_AGAIN,
        EventKind.NOTE_CREATE,
        EventKind.NOTE_EDIT,
        EventKind.NOTE_WITHDRAW,
        EventKind.NOTE_RESTORE,
    }
)


class EventFeed:
    """Supplies the index of one home; each call is one consistent view."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def head(self) -> int:
        """Return the id of the last event that may change words."""
        with self._database.read() as session:
            query = select(func.max(Event.id)).where(Event.kind.in_(_WORDS_CHANGE))
            return session.scalar(query) or 0

    def changed_since(self, position: int, limit: int) -> ChangeBatch:
        """Return the items whose words changed after `position`."""
        with self._database.read() as session:
            rows = session.execute(
                select(Event.id, Event.item_id)
                .where(Event.id > position, Event.kind.in_(_WORDS_CHANGE))
                .order_by(Event.id)
                .limit(limit)
            ).all()
        if not rows:
            return ChangeBatch(position, ())
        ids = dict.fromkeys(item_id for _id, item_id in rows if item_id is not None)
        return ChangeBatch(rows[-1][0], tuple(ids))

    def documents(self, item_ids: Sequence[str]) -> Iterable[Document]:
        """Return the words of items."""
        with self._database.read() as session:
            items = session.scalars(select(Item).where(Item.id.in_(item_ids))).all()
            words = words_of(session, item_ids)
            notes: dict[str, list[str]] = {}
            written = select(Note.item_id, Note.text).where(
                Note.item_id.in_(item_ids), Note.withdrawn_at.is_(None)
            )
            for item_id, text in session.execute(written):
                notes.setdefault(item_id, []).append(text)
        return [
            Document(
                item_id=item.id,
                project=item.project_id,
                title=item.title,
                text=words.get(item.id, ""),
                notes="\n".join(notes.get(item.id, ())),
                url=item.address,
                language=item.language,
            )
            for item in items
        ]
