"""What a REFI-QDA project of another program brings besides its texts and files.

Codes become a draft codebook, selections marks, codings “codings elsewhere”, notes of a source
notes of its item. Each is known by its GUID: what an export of this project would hold, or
an earlier import brought, is not added again. Nothing is moved: a selection whose words are not
at their place in our text is found again by them, or counted as lost; so is one on a picture or
film that is not here, or has no such place.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NameTakenError, UsageError
from annotate.events import Actor
from annotate.exchange.qda_codes import from_codes
from annotate.instrument.codebook import Codebook
from annotate.models import (
    Annotation,
    Capture,
    CodebookVersion,
    CodingElsewhere,
    EventKind,
    ForeignKind,
    ForeignName,
    ImportFile,
    ImportPage,
    Item,
    NoteKind,
    Project,
    Rendition,
    StudyCodebook,
)
from annotate.selectors import text as selectors
from annotate.selectors.anchoring import anchor
from annotate.selectors.media import MediaMark
from annotate.services import annotating, codebooks, notes, sources
from annotate.services.interchange_brought import Brought
from annotate.services.interchange_out import gather
from annotate.services.interchange_places import (
    Found,
    MediaPlaces,
    media_names,
    read_numbers,
    source_names,
)
from annotate.services.sources import Source
from annotate.services.viewing import Viewing
from archive.clock import parse_instant
from archive.importing import refi
from archive.importing.refi_media import placed_media

CODED_KIND = "qdpx"
_FEW = 12  # names tried for a codebook


def untick_known(session: Session, file: ImportFile, project: refi.Project) -> int:
    """Untick the texts of a file that are here already; return how many those are."""
    known = source_names(session, file.project_id) | media_names(session, file.project_id)
    guids = {number: one.guid for number, one in enumerate(project.with_text())}
    for placed in placed_media(project):
        guids.setdefault(placed.position, placed.source.guid)
    unticked = 0
    for page in session.scalars(select(ImportPage).where(ImportPage.import_id == file.id)):
        if guids.get(page.position) in known:
            page.ticked = False
            page.reason = "It is here already, under the same name."
            unticked += 1
    session.flush()
    return unticked


def apply(
    session: Session,
    viewing: Viewing,
    actor: Actor,
    project: Project,
    file: ImportFile,
    foreign: refi.Project,
) -> Brought:
    """Add what the file holds besides its texts and files, to those that are here."""
    return _Applying(session, viewing, actor, project, file, foreign).everything()


def record_import(session: Session, actor: Actor, file: ImportFile, brought: Brought) -> None:
    """Write down what an import brought, beside its texts; counts only."""
    events.record(
        session,
        EventKind.CODING_IMPORT,
        actor=actor,
        covers=[file],
        project_id=file.project_id,
        body={"file": file.id, "sha256": file.sha256, "codebooks": brought.codebooks,
              "highlights": brought.highlights, "codings": brought.codings,
              "notes": brought.notes, "known": brought.known,
              "lost": len(brought.lost) + len(brought.unplaced)},
    )  # fmt: skip
    session.flush()


class _Applying:
    """One file applied to one project."""

    def __init__(
        self,
        session: Session,
        viewing: Viewing,
        actor: Actor,
        project: Project,
        file: ImportFile,
        foreign: refi.Project,
    ) -> None:
        self._session = session
        self._viewing = viewing
        self._actor = actor
        self._project = project
        self._file = file
        self._foreign = foreign
        self._codes = foreign.all_codes()
        self._sources = source_names(session, project.id)
        self._known = gather(session, project).guids() | self._withdrawn()
        self._brought = Brought()

    def everything(self) -> Brought:
        self._codebooks()
        pages = {
            page.position: page.capture_id
            for page in self._session.scalars(
                select(ImportPage).where(ImportPage.import_id == self._file.id)
            )
        }
        for position, source in enumerate(self._foreign.with_text()):
            capture_id = pages.get(position) or self._sources.get(source.guid)
            capture = self._session.get(Capture, capture_id) if capture_id else None
            if capture is not None:
                self._source(source, capture)
        places = MediaPlaces(self._session, self._project, self._foreign, self._sources, pages)
        for one in self._foreign.media:
            self._media(one, places)
        return self._brought

    def _withdrawn(self) -> set[str]:
        """Return the names of what was brought before, whether it still stands or not."""
        names = select(ForeignName.name).where(ForeignName.project_id == self._project.id)
        codings = select(CodingElsewhere.guid).where(CodingElsewhere.project_id == self._project.id)
        marks = select(Annotation.id).where(Annotation.project_id == self._project.id)
        return {one for query in (names, codings, marks) for one in self._session.scalars(query)}

    def _codebooks(self) -> None:
        own = {
            one.id
            for one in self._session.scalars(
                select(StudyCodebook).where(StudyCodebook.project_id == self._project.id)
            )
        }
        named = f"Codes of {self._foreign.name or self._file.name}"
        for guid, content in from_codes(self._foreign.codes, self._foreign.own, named[:150]):
            if guid in own or guid in self._known:
                self._brought.known += 1
                continue
            version = self._created(content)
            self._named(ForeignKind.CODEBOOK, guid, version.codebook_id)
            self._brought.codebooks += 1

    def _created(self, content: Codebook) -> CodebookVersion:
        reason = f"from {self._file.name}"
        for number in range(1, _FEW):
            name = content.name if number == 1 else f"{content.name} ({number})"
            try:
                return codebooks.create(
                    self._session, self._actor, self._project, replace(content, name=name), reason
                )
            except NameTakenError:
                continue
        raise NameTakenError(f"There are {_FEW} codebooks called “{content.name}” already.")

    def _source(self, source: refi.Source, capture: Capture) -> None:
        item = self._session.get_one(Item, capture.item_id)
        if source.guid and source.guid not in self._sources:
            self._named(ForeignKind.SOURCE, source.guid, capture.id, item)
        rendition = self._session.get(Rendition, capture.id)
        text = rendition.text if rendition is not None else ""
        codings: list[CodingElsewhere] = []
        for one in source.selections:
            mark = self._selection(source, one, capture, item, text)
            if mark is not None:
                codings += self._coded(one.codings, capture, mark)
        self._said(source, codings, capture, item)

    def _media(self, source: refi.MediaSource, places: MediaPlaces) -> None:
        found = places.find(source)
        if found is None:
            why = "the project does not have the picture, film or sound"
            lost = [one for one in source.selections if one.guid not in self._known]
            self._brought.unplaced += [f"{_named(source, one)}: {why}" for one in lost]
            return
        item = self._session.get_one(Item, found.capture.item_id)
        if source.guid not in places.named and source.guid not in self._known and found.row_id:
            self._named(ForeignKind.MEDIA, source.guid, found.row_id, item)
        held = sources.of_capture(self._session, self._viewing, found.capture)
        codings: list[CodingElsewhere] = []
        for one in source.selections:
            mark = self._media_selection(source, one, found, held, item)
            if mark is not None:
                codings += self._coded(one.codings, found.capture, mark)
        self._said(source, codings, found.capture, item)

    def _media_selection(
        self,
        source: refi.MediaSource,
        one: refi.MediaSelection,
        found: Found,
        held: Sequence[Source],
        item: Item,
    ) -> str | None:
        """Return the id of the mark a selection is here, made now or before."""
        if one.guid in self._known:
            return self._known_mark(one.guid)
        try:
            place = MediaMark(found.record.target or "", read_numbers(one))
            made = annotating.add_media(
                self._session, self._actor, self._project, found.capture, held, place,
                body=self._body(one),
            )  # fmt: skip
        except (ValueError, UsageError) as error:
            self._brought.unplaced.append(f"{_named(source, one)}: {error}")
            return None
        self._named(ForeignKind.HIGHLIGHT, one.guid or made.id, made.id, item, one.user)
        self._brought.highlights += 1
        return made.id

    def _said(
        self,
        source: refi.Source | refi.MediaSource,
        codings: list[CodingElsewhere],
        capture: Capture,
        item: Item,
    ) -> None:
        codings += self._coded(source.codings, capture, None)
        if codings:
            self._session.add_all(codings)
            events.record(
                self._session,
                EventKind.CODING_IMPORT,
                actor=self._actor,
                covers=codings,
                project_id=self._project.id,
                item=item,
                body={"file": self._file.id, "codings": len(codings)},
            )
            self._session.flush()
        for guid in source.notes:
            self._note(guid, item)

    def _selection(
        self, source: refi.Source, one: refi.Selection, capture: Capture, item: Item, text: str
    ) -> str | None:
        """Return the id of the highlight a selection is here, made now or before."""
        if one.guid in self._known:
            return self._known_mark(one.guid)
        place = self._place(source.text or "", one, text)
        if place is None:
            self._brought.lost.append(one.name or one.guid)
            return None
        made = annotating.add(
            self._session, self._actor, self._project, capture, quote="",
            start=place[0], end=place[1],
            body=self._body(one),
        )  # fmt: skip
        self._named(ForeignKind.HIGHLIGHT, one.guid or made.id, made.id, item, one.user)
        self._brought.highlights += 1
        return made.id

    def _known_mark(self, guid: str) -> str | None:
        self._brought.known += 1
        row = self._session.scalar(
            select(ForeignName.row_id).where(
                ForeignName.project_id == self._project.id,
                ForeignName.kind == ForeignKind.HIGHLIGHT,
                ForeignName.name == guid,
            )
        )
        known = self._session.get(Annotation, row or guid)
        return known.id if known is not None and known.withdrawn_at is None else None

    def _body(self, one: refi.Selection | refi.MediaSelection) -> str:
        notes = (self._foreign.notes[guid].text for guid in one.notes
                 if guid in self._foreign.notes)  # fmt: skip
        return "\n\n".join(filter(None, (one.description, *notes)))[: annotating.LONGEST]

    def _place(self, theirs: str, one: refi.Selection, ours: str) -> tuple[int, int] | None:
        if not 0 <= one.start < one.end <= len(theirs):
            return None
        if theirs == ours:
            return one.start, one.end
        found = anchor(ours, selectors.select(theirs, one.start, one.end))
        if found is None:
            return None
        self._brought.moved += 1
        return found.selector.start, found.selector.end

    def _coded(
        self, codings: Sequence[refi.Coding], capture: Capture, mark: str | None
    ) -> list[CodingElsewhere]:
        made = []
        for one in codings:
            if one.guid in self._known:
                self._brought.known += 1
                continue
            self._known.add(one.guid)
            code = self._codes.get(one.code)
            made.append(
                CodingElsewhere(
                    project_id=self._project.id,
                    item_id=capture.item_id,
                    capture_id=capture.id,
                    annotation_id=mark,
                    guid=one.guid,
                    code_id=one.code,
                    label=self._label(code),
                    coder=self._foreign.users.get(one.user, "")[:300],
                    coder_guid=one.user,
                    made_at=_moment(one.made_at),
                    notes=self._notes_of(one),
                    import_id=self._file.id,
                )
            )
        self._brought.codings += len(made)
        return made

    def _label(self, code: refi.Code | None) -> str:
        """Return a code's name, with that of the code above it."""
        if code is None:
            return "a code the file does not define"
        above = next((one for one in self._codes.values() if code in one.children), None)
        return f"{above.name}: {code.name}" if above is not None else code.name

    def _notes_of(self, one: refi.Coding) -> str:
        held = [self._foreign.notes[guid] for guid in one.notes if guid in self._foreign.notes]
        listed = [{"guid": note.guid, "name": note.name, "text": note.text} for note in held]
        return json.dumps(listed, ensure_ascii=False)

    def _note(self, guid: str, item: Item) -> None:
        note = self._foreign.notes.get(guid)
        if guid in self._known or note is None or not note.text.strip():
            self._brought.known += guid in self._known
            return
        self._known.add(guid)
        kind = NoteKind.PROVENANCE if note.name == NoteKind.PROVENANCE.value else NoteKind.REMARK
        made = notes.add_note(
            self._session, self._actor, self._project, item, kind, note.text[: notes.LONGEST]
        )
        self._named(ForeignKind.NOTE, guid, made.id, item)
        self._brought.notes += 1

    def _named(
        self, kind: ForeignKind, name: str, row_id: str, item: Item | None = None, maker: str = ""
    ) -> None:
        row = ForeignName(
            project_id=self._project.id,
            kind=kind,
            name=name,
            row_id=row_id,
            item_id=item.id if item is not None else None,
            maker=self._foreign.users.get(maker, "")[:300],
            maker_name=maker,
            import_id=self._file.id,
        )
        self._session.add(row)
        events.record(
            self._session,
            EventKind.CODING_IMPORT,
            actor=self._actor,
            covers=[row],
            project_id=self._project.id,
            item=item,
            body={"file": self._file.id, "kind": kind.value, "name": name, "row": row_id},
        )
        self._session.flush()
        self._known.add(name)


def _named(source: refi.MediaSource, one: refi.MediaSelection) -> str:
    return f"“{(one.name or one.guid)[:60]}” on “{source.name[:60]}”"


def _moment(text: str) -> datetime | None:
    try:
        return parse_instant(text) if text else None
    except ValueError:
        return None
