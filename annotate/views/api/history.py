"""The project's history over the API."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from annotate.permissions import Act
from annotate.services import history
from annotate.views.api.spec import endpoint, project
from annotate.views.context import ProjectContext, actor
from annotate.views.history import as_value, wanted

_TEXT = {"type": "string"}


@endpoint(
    "GET",
    project("/history"),
    Act.READ,
    "What happened, newest first; `older` is the `before` of the next page",
    query={
        "who": _TEXT,
        "what": _TEXT,
        "from": {"type": "string", "format": "date"},
        "to": {"type": "string", "format": "date"},
        "item": _TEXT,
        "before": {"type": "integer"},
    },
)
def show(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """Return a page of the history."""
    found, older = history.lines(session, context.project, actor(), wanted(context))
    return {"events": [as_value(one) for one in found], "older": older}
