"""Bringing in files over the API: sent, read, chosen from, confirmed or refused.

Reading and taking are done by a process of their own; how far it is, is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.jobs import importing
from annotate.models import ImportFile, ImportState
from annotate.permissions import Act
from annotate.services import elsewhere, found_pages, imports
from annotate.services.imports import Choice
from annotate.views import import_json, waiting_lists
from annotate.views.api.spec import endpoint, number, project, writing
from annotate.views.context import ProjectContext, actor, wiring

_BUSY: Final = frozenset({ImportState.WAITING, ImportState.TAKING})
_FLAG: Final = {"type": "boolean"}
_WHOLE: Final = {"type": "integer"}
_HERE: Final = "/imports/<import_id>"
_SAYS: Final[Mapping[str, type]] = {
    "id": str,
    "ticked": bool,
    "address": str,
    "taken_at": str,
    "note": str,
}


@endpoint("GET", project("/imports"), Act.READ, "Files brought in, newest first")
def list_imports(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """List imported, waiting and refused files."""
    held = imports.imports_of(session, context.project.id)
    return {"imports": [import_json.file_json(session, one) for one in held]}


@endpoint(
    "POST",
    project("/imports"),
    Act.IMPORT,
    "Send a file; it is kept as it is and read, and nothing of it becomes an item yet",
    body={"note": {"type": "string", "required": False}},
    file=True,
    by_itself=True,
)
def send(session: Session, context: ProjectContext, body: Any) -> dict[str, Any]:
    """Keep a file and have it read."""
    upload = body["file"]
    if waiting_lists.is_list(upload):
        raise UsageError(f"{upload.filename} is a list of addresses; send it to …/lists.")
    kept = importing.bring(
        wiring(),
        actor(),
        context.project.id,
        Path(upload.filename).name,
        upload.stream,
        limit=wiring().config.upload_bytes,
        note=body.get("note", ""),
    )
    importing.kick(wiring())
    return import_json.file_json(session, kept)


@endpoint(
    "GET",
    project(_HERE),
    Act.READ,
    "How a file stands: waiting, found (it waits for a choice), taking, imported, refused",
    query={"page": _WHOLE, "size": _WHOLE},
)
def show(session: Session, context: ProjectContext, _body: Any, import_id: str) -> dict[str, Any]:
    """Return what was found in a file, one page of it."""
    file = imports.get_import(session, context.project.id, import_id)
    if file.state in _BUSY:
        importing.kick(wiring())  # what was killed meanwhile goes on
    page, size = number("page", 1, 1_000_000), number("size", 100, 500)
    found = import_json.pages_json(session, file, first=(page - 1) * size, most=size)
    return (
        import_json.file_json(session, file)
        | import_json.marks_json(session, file)
        | {"page": page, "ticked": found_pages.ticked_count(session, file), "pages_found": found}
    )


@endpoint(
    "PUT",
    project(f"{_HERE}/choices"),
    Act.IMPORT,
    "Say of pages found whether they are taken, under which address and time",
    body={
        "pages": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "string"},
                    "ticked": _FLAG,
                    "address": {"type": "string"},
                    "taken_at": {"type": "string"},
                    "note": {"type": "string"},
                },
                "required": ["id", "ticked"],
                "additionalProperties": False,
            },
        }
    },
)
def choose(session: Session, context: ProjectContext, body: Any, import_id: str) -> dict[str, Any]:
    """Keep what is chosen; nothing is carried out yet."""
    file = imports.get_import(session, context.project.id, import_id)
    imports.choose(session, file, dict(_choice(one) for one in body["pages"]))
    return {"ticked": found_pages.ticked_count(session, file)}


@endpoint(
    "PUT",
    project(f"{_HERE}/ticked"),
    Act.IMPORT,
    "Tick every page found, or none",
    body={"ticked": _FLAG},
)
def tick(session: Session, context: ProjectContext, body: Any, import_id: str) -> dict[str, Any]:
    """Tick or untick everything."""
    file = imports.get_import(session, context.project.id, import_id)
    imports.tick_all(session, file, ticked=body["ticked"])
    return {"ticked": found_pages.ticked_count(session, file)}


@endpoint(
    "POST",
    project(f"{_HERE}/confirm"),
    Act.IMPORT,
    "Let what is ticked become items and captures",
    by_itself=True,
)
def confirm(
    _session: Session, context: ProjectContext, _body: Any, import_id: str
) -> dict[str, Any]:
    """Confirm one file."""
    taken = _confirm(context, import_id)
    importing.kick(wiring())
    return {"id": import_id, "pages": taken}


@endpoint(
    "POST",
    project("/imports/confirm"),
    Act.IMPORT,
    "Confirm every file that waits for a choice; those that cannot be taken yet say why",
    by_itself=True,
)
def confirm_all(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """Confirm all that waits."""
    waiting = [
        one.id
        for one in imports.imports_of(session, context.project.id)
        if one.state is ImportState.FOUND
    ]
    if not waiting:
        raise UsageError("No file waits to be confirmed.")
    begun, faults = [], []
    for import_id in waiting:
        try:
            begun.append({"id": import_id, "pages": _confirm(context, import_id)})
        except UsageError as error:
            faults.append({"id": import_id, "error": str(error)})
    importing.kick(wiring())
    return {"confirmed": begun, "faults": faults}


@endpoint(
    "POST",
    project(f"{_HERE}/discard"),
    Act.IMPORT,
    "Take nothing of a file; that it was sent stays listed",
    by_itself=True,
)
def discard(
    _session: Session, context: ProjectContext, _body: Any, import_id: str
) -> dict[str, Any]:
    """Discard a file that waits."""
    with writing(context, Act.IMPORT) as (session, held):
        file = imports.get_import(session, held.project.id, import_id)
        imports.discard(session, actor(), file)
    importing.drop_files(wiring(), file)
    return {"id": import_id, "state": file.state.value}


@endpoint(
    "POST",
    project(f"{_HERE}/undo-codings"),
    Act.IMPORT,
    "Withdraw the highlights and codings a file brought; texts and codebook stay",
)
def undo_codings(
    session: Session, context: ProjectContext, _body: Any, import_id: str
) -> dict[str, Any]:
    """Withdraw what an import said of items."""
    file: ImportFile = imports.get_import(session, context.project.id, import_id)
    return {"withdrawn": elsewhere.undo(session, actor(), context.project, file)}


def _confirm(context: ProjectContext, import_id: str) -> int:
    with writing(context, Act.IMPORT) as (session, held):
        file = imports.get_import(session, held.project.id, import_id)
        return imports.confirm(session, actor(), file)


def _choice(said: Any) -> tuple[str, Choice]:
    """Read what is said of one page.

    :raises UsageError: it is not of the form
    """
    if not isinstance(said, dict) or not {"id", "ticked"} <= said.keys() <= _SAYS.keys():
        raise UsageError(f"Of a page is said: {', '.join(_SAYS)}; the first two always.")
    for name, value in said.items():
        if not isinstance(value, _SAYS[name]):
            raise UsageError(f"“{name}” of a page has to be of another type.")
    return said["id"], Choice(
        said["ticked"], said.get("address"), said.get("taken_at"), said.get("note")
    )
