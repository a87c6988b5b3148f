"""Uploaded lists: kept for a while, until it is said what their columns hold.

A list is its uploader's own, in one project: nobody else, and no other project, can name it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from werkzeug.datastructures import FileStorage

from annotate.errors import NotFoundError, UsageError
from annotate.services import lists
from annotate.services.lists import ListFile, RowFault
from annotate.views.context import person, wiring
from archive.importing.bounded import Limits

_KEPT: Final = 2 * 86_400  # seconds
_ENDINGS: Final = (".csv", ".tsv", ".txt", ".tab", ".xlsx")
_BOOKMARKS: Final = b"netscape-bookmark"
_GONE: Final = "This list is no longer here. Choose the file again."


def is_list(file: FileStorage) -> bool:
    """Tell whether an uploaded file is a list of addresses, by its name and first bytes."""
    begin = file.stream.read(200)
    file.stream.seek(0)
    named = (file.filename or "").lower().endswith(_ENDINGS)
    return named or _BOOKMARKS in begin.lower()


def keep(project_id: str, file: FileStorage | None) -> str:
    """Keep an uploaded list for a while; return what it is called meanwhile.

    :raises UsageError: there is no file, or it is no list; nothing of it is kept
    """
    if file is None or not file.filename:
        raise UsageError("Choose a file first.")
    _sweep_out()
    token = secrets.token_hex(8)
    path = _place(project_id, token)
    _name_of(path).write_text(Path(file.filename).name, "utf-8")
    file.save(path)
    try:
        read(project_id, token)
    except UsageError:
        drop(project_id, token)
        raise
    return token


def read(project_id: str, token: str, *, encoding: str = "", sheet: str = "") -> ListFile:
    """Read a list that waits for its mapping.

    :param encoding: chosen by a person; empty: the bytes tell
    :raises NotFoundError: it waited too long, or is another person's or project's
    """
    path = _place(project_id, token)
    if not path.is_file():
        raise NotFoundError(_GONE)
    config = wiring().config
    limits = Limits(memory=config.import_memory, seconds=config.import_seconds)
    return lists.read_list(
        name(project_id, token), path, limits=limits, encoding=encoding, sheet=sheet
    )


def name(project_id: str, token: str) -> str:
    """Return the name a list was uploaded under."""
    try:
        return _name_of(_place(project_id, token)).read_text("utf-8")
    except FileNotFoundError:
        raise NotFoundError(_GONE) from None


def drop(project_id: str, token: str) -> None:
    """Forget a list; its name stays for the file of skipped rows until both are swept out."""
    _place(project_id, token).unlink(missing_ok=True)


def keep_skipped(project_id: str, token: str, table: ListFile, faults: Sequence[RowFault]) -> None:
    """Keep the rows that were skipped, each with why, as CSV."""
    text = "\ufeff" + lists.faults_csv(table, faults)
    _skipped(project_id, token).write_text(text, "utf-8", newline="")


def skipped(project_id: str, token: str) -> bytes:
    """Return the skipped rows as CSV.

    :raises NotFoundError: they were kept too long ago, or there are none
    """
    try:
        return _skipped(project_id, token).read_bytes()
    except FileNotFoundError:
        raise NotFoundError(
            "These rows are no longer here. Import the list again to see them."
        ) from None


def _place(project_id: str, token: str) -> Path:
    if not token.isalnum():
        raise NotFoundError(_GONE)
    return wiring().temporary / f"list-{project_id}-{person().id}-{token}"


def _name_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.name")


def _skipped(project_id: str, token: str) -> Path:
    path = _place(project_id, token)
    return path.with_name(f"{path.name}.skipped.csv")


def _sweep_out() -> None:
    for path in wiring().temporary.glob("list-*"):
        if time.time() - path.stat().st_mtime > _KEPT:
            path.unlink(missing_ok=True)
