"""Who made, in another program, what a file brought."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.models import ForeignKind, ForeignName


def makers_of(session: Session, item_id: str) -> dict[str, str]:
    """Return, by the id of a highlight of the item, who made it elsewhere."""
    rows = session.execute(
        select(ForeignName.row_id, ForeignName.maker).where(
            ForeignName.item_id == item_id,
            ForeignName.kind == ForeignKind.HIGHLIGHT,
            ForeignName.maker != "",
        )
    )
    return dict(rows.all())
