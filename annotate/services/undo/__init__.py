"""How one's own acts are taken back: for each kind of event, the form that does it.

Given only while the act still stands; what others did since is theirs, and stays. The form goes
to the door that serves the act itself, which checks everything once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy.orm import Session

from annotate.models import Event, EventKind
from annotate.services.live import Happening
from annotate.services.undo import of_items, of_study, of_talk
from annotate.services.undo.form import Finder, Undo

__all__ = ["Undo", "undo_of"]

_FINDERS: Final[Mapping[EventKind, Finder]] = {
    **of_items.FINDERS,
    **of_talk.FINDERS,
    **of_study.FINDERS,
}


def undo_of(session: Session, event: Event, one: Happening) -> Undo | None:
    """Return how an act is taken back, if it still stands and something can."""
    finder = _FINDERS.get(event.kind)
    return finder(session, event, one) if finder is not None else None
