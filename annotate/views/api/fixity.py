"""How a project's stored bytes stand, over the API."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session

from annotate.jobs import fixity as job
from annotate.permissions import Act
from annotate.services import fixity
from annotate.views.api.spec import endpoint, project
from annotate.views.context import ProjectContext, person, wiring
from archive.clock import isoformat


@endpoint("GET", project("/fixity"), Act.READ, "When stored bytes were last re-read; what differed")
def show(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """Return what the last run found, and how far one is that is going on."""
    found = fixity.of_project(session, context.project.id, whole=person().is_admin)
    going = job.progress_of(wiring())
    return {
        "began": isoformat(found.began) if found.began else None,
        "ended": isoformat(found.ended) if found.ended else None,
        "files": found.checked,
        "newer": found.newer,
        "findings": list(found.findings),
        "going": asdict(going) if going else None,
    }


@endpoint("POST", project("/fixity"), Act.CHANGE_PROJECT, "Re-read all stored evidence now")
def check(_session: Session, _context: ProjectContext, _body: Any) -> dict[str, Any]:
    """Begin a run, unless one is going on; it works on in the background."""
    job.start(wiring(), person())
    return {"begun": True}
