"""What takes an act back, as the history offers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from annotate.models import Event
from annotate.services.live import Happening


@dataclass(frozen=True, slots=True)
class Undo:
    """The form that takes an act back: an endpoint, its arguments, and what the form sends."""

    endpoint: str
    arguments: Mapping[str, str]
    form: Mapping[str, str] = field(default_factory=dict)


Finder = Callable[[Session, Event, Happening], Undo | None]
