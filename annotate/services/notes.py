"""Notes on items. Every text a note has had is kept, with its author."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NotFoundError, StaleSaveError, UsageError
from annotate.events import Actor
from annotate.models import EventKind, Item, Note, NoteKind, NoteVersion, Project, User
from archive.clock import utc_now

LONGEST: Final = 50_000  # characters of a note


def add_note(
    session: Session, actor: Actor, project: Project, item: Item, kind: NoteKind, text: str
) -> Note:
    """Write a note.

    :raises UsageError: it is empty or too long
    """
    text = _checked(text)
    note = Note(
        project_id=project.id, item_id=item.id, kind=kind, text=text, created_by=actor.user_id
    )
    version = NoteVersion(note_id=note.id, version=1, text=text, written_by=actor.user_id)
    session.add(note)
    session.add(version)
    events.record(
        session,
        EventKind.NOTE_CREATE,
        actor=actor,
        covers=[note, version],
        project_id=project.id,
        item=item,
        body={"note": note.id, "kind": kind.value},
        after=text,
    )
    session.flush()
    return note


def edit_note(
    session: Session, actor: Actor, project: Project, note: Note, text: str, *, seen: int
) -> None:
    """Give a note a new text; the old one stays as a version.

    :param seen: the row version the writer began from
    :raises StaleSaveError: somebody saved in between, or withdrew it; carries both texts
    :raises UsageError: the text is empty or too long
    """
    text = _checked(text)
    if note.withdrawn_at is not None:
        raise StaleSaveError(
            "This note was withdrawn while you were writing, so nobody would read your text in "
            "it. It is kept below: write it as a new note.",
            theirs=note.text,
            yours=text,
            version=note.row_version,
        )
    if note.row_version != seen:
        last = session.get(NoteVersion, (note.id, note.row_version))
        author = session.get(User, last.written_by) if last is not None else None
        raise StaleSaveError(
            "This note was changed while you were writing. Your text is kept below.",
            theirs=note.text,
            yours=text,
            version=note.row_version,
            saved_by=author.display_name if author is not None else "",
        )
    if text == note.text:
        return
    before = note.text
    note.row_version += 1
    note.text = text
    note.changed_at = utc_now()
    version = NoteVersion(
        note_id=note.id, version=note.row_version, text=text, written_by=actor.user_id
    )
    session.add(version)
    events.record(
        session,
        EventKind.NOTE_EDIT,
        actor=actor,
        covers=[note, version],
        project_id=project.id,
        item=session.get(Item, note.item_id),
        body={"note": note.id, "version": note.row_version},
        before=before,
        after=text,
    )
    session.flush()


def withdraw(session: Session, actor: Actor, project: Project, note: Note, *, back: bool) -> None:
    """Withdraw a note, or take that back. It is in no list and no search; its versions stay.

    :raises UsageError: it is somebody else's
    """
    if note.created_by != actor.user_id:
        raise UsageError("Only who wrote a note withdraws it. You can add a note, or edit it.")
    if (note.withdrawn_at is None) == back:
        return
    note.withdrawn_at = None if back else utc_now()
    events.record(
        session,
        EventKind.NOTE_RESTORE if back else EventKind.NOTE_WITHDRAW,
        actor=actor,
        covers=[note],
        project_id=project.id,
        item=session.get(Item, note.item_id),
        body={"note": note.id},
    )
    session.flush()


def withdrawn_by(session: Session, item_id: str, user_id: str) -> list[Note]:
    """Return the notes of an item that a person withdrew, oldest first."""
    query = select(Note).where(
        Note.item_id == item_id, Note.created_by == user_id, Note.withdrawn_at.is_not(None)
    )
    return list(session.scalars(query.order_by(Note.id)))


def get_note(session: Session, project: Project, note_id: str) -> Note:
    """Return a note of the project.

    :raises NotFoundError: there is none of that id
    """
    note = session.get(Note, note_id)
    if note is None or note.project_id != project.id:
        raise NotFoundError("This project has no such note.")
    return note


def notes_of(session: Session, item_id: str) -> list[tuple[Note, list[tuple[NoteVersion, User]]]]:
    """Return an item's notes, oldest first, each with its versions and their authors."""
    notes = session.scalars(
        select(Note).where(Note.item_id == item_id, Note.withdrawn_at.is_(None)).order_by(Note.id)
    ).all()
    versions = _versions(session, [note.id for note in notes])
    return [(note, versions.get(note.id, [])) for note in notes]


def _versions(
    session: Session, note_ids: Sequence[str]
) -> dict[str, list[tuple[NoteVersion, User]]]:
    query = (
        select(NoteVersion, User)
        .join(User, User.id == NoteVersion.written_by)
        .where(NoteVersion.note_id.in_(note_ids))
        .order_by(NoteVersion.version)
    )
    found: dict[str, list[tuple[NoteVersion, User]]] = {}
    for version, author in session.execute(query):
        found.setdefault(version.note_id, []).append((version, author))
    return found


def _checked(text: str) -> str:
    plain = text.replace("\r\n", "\n").strip()
    if not plain:
        raise UsageError("A note without words is not kept. Write something first.")
    if len(plain) > LONGEST:
        raise UsageError(f"A note has at most {LONGEST} characters; this one has {len(plain)}.")
    return plain
