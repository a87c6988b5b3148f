"""Whether what a page shows of an item waits behind a veil, as the address of the page asks."""

from __future__ import annotations

from typing import Final

from flask import g, request
from sqlalchemy.orm import Session

from annotate.services import veils
from annotate.services.veils import Veil
from annotate.views.context import person

SHOW: Final = "show"  # parameter of an address; never in a link of ours, so never remembered


def veil_over(session: Session, item_id: str) -> Veil:
    """Return the veil over an item on this page; the project must be loaded.

    `?show=yes` lifts it, for this one view.
    """
    shown = bool(request.args.get(SHOW))
    return veils.veil_of(session, g.context.project, person(), item_id, shown=shown)
