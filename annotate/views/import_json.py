"""An imported file and what was found in it, as pages and programs are told of it."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy.orm import Session

from annotate.jobs import importing
from annotate.models import ImportFile, ImportState
from annotate.services import foreign_marks, found_pages, imports, interchange_in
from annotate.views.captures import viewing
from annotate.views.context import wiring
from annotate.visibility import is_blind

_SAYING: Final = frozenset({interchange_in.CODED_KIND, foreign_marks.KIND})
_LOOKED_AT: Final = frozenset({ImportState.FOUND, ImportState.TAKING, ImportState.IMPORTED})


def told(session: Session, file: ImportFile) -> list[str]:
    """Return the remarks on a file; one who codes blind is not told whose codings it brought."""
    if file.kind in _SAYING and is_blind(session):
        return ["What this file says of items is closed to you while you code blind."]
    return imports.remarks_of(file)


def marks(session: Session, file: ImportFile) -> dict[str, Any]:
    """Return what becomes of each annotation of a file of them; nothing to one who codes blind."""
    read = file.kind == foreign_marks.KIND and file.state in _LOOKED_AT
    if not read or is_blind(session):
        return {"marks": None}
    sent, faults = foreign_marks.read_file(importing.original_of(wiring(), file))
    shown = foreign_marks.placed(session, viewing(), file.project_id, sent)
    return {"marks": shown, "mark_faults": faults, "mark_counts": foreign_marks.counted(shown)}


def marks_json(session: Session, file: ImportFile) -> dict[str, object]:
    """Return what becomes of each annotation, for programs."""
    held = marks(session, file)
    if held["marks"] is None:
        return {}
    return {
        "annotations": [
            {
                "name": one.mark.name,
                "standing": one.place.standing.value,
                "score": round(one.place.score, 3),
                "exact": one.mark.exact,
                "fragment": one.mark.fragment,
                "found": one.place.selector.exact if one.place.selector else None,
                "place": str(one.place.media) if one.place.media else None,
                "reason": one.place.reason,
                "body": one.mark.words,
                "maker": one.mark.maker,
                "source": one.mark.source,
                "item": one.item.id if one.item else None,
                "row": one.highlight_id,
            }
            for one in held["marks"]
        ],
        "annotation_faults": held["mark_faults"],
    }


def pages_json(
    session: Session, file: ImportFile, *, first: int = 0, most: int = 100
) -> list[dict[str, object]]:
    """Return what was found in a file, page by page."""
    return [
        {
            "id": one.page.id,
            "kind": one.page.kind.value,
            "title": one.page.title,
            "address": one.page.address,
            "address_claimed": one.page.address_claimed,
            "address_basis": one.page.address_basis.value,
            "time_claimed": one.page.time_claimed.isoformat() if one.page.time_claimed else None,
            "time_basis": one.page.time_basis.value,
            "outcome": one.page.outcome.value,
            "reason": one.page.reason,
            "ticked": one.page.ticked,
            "fault": one.fault,
            "item": one.known.id if one.known else None,
            "answers": one.answers.id if one.answers else None,
            "capture": one.page.capture_id,
        }
        for one in found_pages.proposals(session, file, first=first, most=most)
    ]


def file_json(session: Session, file: ImportFile) -> dict[str, object]:
    """Return how an imported file stands."""
    return {
        "id": file.id,
        "name": file.name,
        "kind": file.kind,
        "state": file.state.value,
        "verdict": file.verdict.value if file.verdict else None,
        "reason": file.reason,
        "remarks": told(session, file),
        "written_by": file.writer,
        "records": file.records,
        "found": file.found,
        "pages": file.pages,
        "sha256": file.sha256,
        "size": file.size,
    }
