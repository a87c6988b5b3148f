"""Annotations of other programs: what would become of each, and putting them there."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import UsageError
from annotate.events import Actor
from annotate.exchange import hypothesis, jsonld
from annotate.exchange.marks import TAKEN, Mark, Place, Standing, place
from annotate.models import (
    Annotation,
    Capture,
    EventKind,
    ForeignKind,
    ForeignName,
    ImportFile,
    Item,
    NoteKind,
    Project,
    Rendition,
)
from annotate.services import annotating, annotation_json, notes, sources
from annotate.services.foreign_places import Lack, place_media
from annotate.services.imports import remarks_of
from annotate.services.sources import Source
from annotate.services.viewing import Viewing
from archive.errors import AddressError
from archive.urlkey import Address

KIND: Final = "annotations"
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Placed:
    """A mark with what would become of it, or became."""

    mark: Mark
    place: Place
    item: Item | None
    highlight_id: str | None = None
    """Of a mark that is here already."""
    sources: Sequence[Source] = ()
    """The pictures and films it may stand on."""


def read_file(path: Path) -> tuple[list[Mark], list[str]]:
    """Read a file of annotations; also what of it cannot be taken, in words.

    :raises UsageError: it is none
    """
    try:
        document = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"The annotations cannot be read: {error}.") from error
    rows = hypothesis.rows_of(document)
    if rows is not None:
        return hypothesis.read(rows)
    if jsonld.is_annotations(document):
        return jsonld.read(document)
    raise UsageError("These are neither Web Annotations nor an export of Hypothesis.")


def placed(
    session: Session, viewing: Viewing, project_id: str, marks: Sequence[Mark]
) -> list[Placed]:
    """Say of each mark what would become of it now."""
    items = _items(session, project_id, marks)
    known = _known(session, project_id, marks)
    texts: dict[str, str] = {}
    held: dict[str, list[Source]] = {}
    found = []
    for mark in marks:
        item = items.get((mark.source, mark.scope))
        if mark.name in known:
            found.append(Placed(mark, Place(Standing.KNOWN, 1.0), item, known[mark.name]))
        elif mark.is_reply:
            found.append(Placed(mark, Place(Standing.REPLY), item))
        elif item is None or item.latest_capture_id is None:
            found.append(Placed(mark, Place(Standing.NO_ITEM), item))
        elif mark.fragment and not mark.exact:
            there = _sources(session, viewing, item.latest_capture_id, held)
            where = place_media(mark, there, item.address)
            found.append(Placed(mark, where, item, sources=there))
        else:
            where = place(_text(session, item.latest_capture_id, texts), mark)
            if where.standing is Standing.ORPHAN:
                where = replace(where, reason=Lack.WORDS.value)
            found.append(Placed(mark, where, item))
    return found


def collection(
    session: Session, project: Project, item_ids: Sequence[str] | None
) -> dict[str, Any]:
    """Return marks of the project as one W3C AnnotationCollection.

    :param item_ids: only those of these items; None: all
    """
    query = select(Annotation.item_id).where(
        Annotation.project_id == project.id, Annotation.withdrawn_at.is_(None)
    )
    marked = sorted(set(session.scalars(query)))
    wanted = set(item_ids) if item_ids is not None else set(marked)
    found: list[Any] = []
    for item_id in marked:
        if item_id in wanted:
            item = session.get_one(Item, item_id)
            shown = annotating.marks_of_item(session, item_id)
            found += annotation_json.collection(project, item, shown)["first"]["items"]
    name = f"urn:uuid:{project.id}:annotations"
    page = {"id": f"{name}:1", "type": "AnnotationPage", "startIndex": 0, "items": found}
    return {"@context": jsonld.CONTEXT, "id": name, "type": "AnnotationCollection",
            "label": project.name, "total": len(found), "first": page}  # fmt: skip


def counted(shown: Sequence[Placed]) -> dict[Standing, int]:
    """Count the marks by what becomes of them, in the order of the enum."""
    numbers = Counter(one.place.standing for one in shown)
    return {standing: numbers[standing] for standing in Standing if numbers[standing]}


def apply(
    session: Session,
    viewing: Viewing,
    actor: Actor,
    project: Project,
    file: ImportFile,
    marks: Sequence[Mark],
) -> list[Placed]:
    """Put the marks where their words, pictures and films are; return what became of all."""
    shown = placed(session, viewing, project.id, marks)
    done: set[str] = set()
    for one in shown:
        if one.place.standing in TAKEN and one.item is not None and one.mark.name not in done:
            _put(session, actor, project, file, one, one.item)
            done.add(one.mark.name)
    numbers = counted(shown)
    told = ", ".join(f"{number} {standing.value}" for standing, number in numbers.items())
    remarks = [*remarks_of(file), f"When they were brought in: {told or 'none'}."]
    file.remarks = json.dumps(remarks, ensure_ascii=False)
    events.record(
        session,
        EventKind.CODING_IMPORT,
        actor=actor,
        covers=[file],
        project_id=project.id,
        body={"file": file.id, "sha256": file.sha256,
              "annotations": {standing.value: number for standing, number in numbers.items()}},
    )  # fmt: skip
    session.flush()
    return shown


def _put(
    session: Session, actor: Actor, project: Project, file: ImportFile, one: Placed, item: Item
) -> None:
    selector = one.place.selector
    words = one.mark.words
    if one.place.media is not None:
        kind = ForeignKind.HIGHLIGHT
        capture = session.get_one(Capture, item.latest_capture_id)
        drawn = annotating.add_media(
            session, actor, project, capture, one.sources, one.place.media,
            body=words[: annotating.LONGEST],
        )  # fmt: skip
        row_id = drawn.id
    elif selector is None:
        kind = ForeignKind.NOTE
        by = f"{words or one.mark.name}\n\n({one.mark.maker or 'nobody named'}, {one.mark.name})"
        note = notes.add_note(session, actor, project, item, NoteKind.REMARK, by[: notes.LONGEST])
        row_id = note.id
    else:
        kind = ForeignKind.HIGHLIGHT
        capture = session.get_one(Capture, item.latest_capture_id)
        made = annotating.add(
            session, actor, project, capture, quote="", start=selector.start, end=selector.end,
            body=words[: annotating.LONGEST],
        )  # fmt: skip
        row_id = made.id
    name = ForeignName(
        project_id=project.id,
        kind=kind,
        name=one.mark.name[:500],
        row_id=row_id,
        item_id=item.id,
        maker=one.mark.maker,
        maker_name=one.mark.maker,
        import_id=file.id,
    )
    session.add(name)
    events.record(
        session,
        EventKind.CODING_IMPORT,
        actor=actor,
        covers=[name],
        project_id=project.id,
        item=item,
        body={"file": file.id, "kind": kind.value, "name": name.name, "row": row_id,
              "score": f"{one.place.score:.3f}", "standing": one.place.standing.value},
    )  # fmt: skip
    session.flush()


def _items(session: Session, project_id: str, marks: Sequence[Mark]) -> dict[tuple[str, str], Item]:
    """Return the items of the marks' addresses and scopes: exactly, else but for the fragment."""
    spelled: dict[tuple[str, str], list[str]] = {}
    for mark in marks:
        exact = [_exact(one) for one in (mark.source, mark.scope) if one]
        spelled[mark.source, mark.scope] = [
            spelling for one in exact for spelling in (one, one.partition("#")[0])
        ]
    wanted = sorted({one for spellings in spelled.values() for one in spellings})
    found: dict[str, Item] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        query = select(Item).where(
            Item.project_id == project_id, Item.address.in_(wanted[start : start + _AT_ONCE])
        )
        found |= {item.address: item for item in session.scalars(query)}
    return {
        key: found[spelling]
        for key, spellings in spelled.items()
        for spelling in reversed(spellings)
        if spelling in found
    }


def _exact(address: str) -> str:
    try:
        return Address.parse(address).exact
    except AddressError:
        return address


def _sources(
    session: Session, viewing: Viewing, capture_id: str, held: dict[str, list[Source]]
) -> list[Source]:
    if capture_id not in held:
        capture = session.get_one(Capture, capture_id)
        held[capture_id] = sources.of_capture(session, viewing, capture)
    return held[capture_id]


def _known(session: Session, project_id: str, marks: Sequence[Mark]) -> Mapping[str, str]:
    names = [mark.name for mark in marks]
    found: dict[str, str] = {}
    for start in range(0, len(names), _AT_ONCE):
        batch = names[start : start + _AT_ONCE]
        rows = session.execute(
            select(ForeignName.name, ForeignName.row_id).where(
                ForeignName.project_id == project_id, ForeignName.name.in_(batch)
            )
        )
        found.update(dict(rows.all()))
    own = session.scalars(select(Annotation.id).where(Annotation.project_id == project_id))
    ours = {f"urn:uuid:{row}": row for row in own}
    return found | {name: ours[name] for name in names if name in ours}


def _text(session: Session, capture_id: str, held: dict[str, str]) -> str:
    if capture_id not in held:
        rendition = session.get(Rendition, capture_id)
        held[capture_id] = rendition.text if rendition is not None else ""
    return held[capture_id]
