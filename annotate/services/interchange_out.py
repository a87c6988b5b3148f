"""A project's codebooks, texts, highlights, codings and notes as one REFI-QDA project.

Only what the session may see goes in: answers of rounds that are still blind never do, and a
person who codes blind takes out nothing of the items they are blind to (visibility.py).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.exchange.merging import merged
from annotate.exchange.names import FINAL, derived
from annotate.exchange.qda_codes import codes_given, dump_own, own_documents, to_code
from annotate.instrument.answers import Given
from annotate.instrument.codebook import Codebook, Variable
from annotate.models import (
    Annotation,
    AnnotationKind,
    Assignment,
    Basis,
    Capture,
    CodingAnswer,
    CodingElsewhere,
    CodingRound,
    ForeignKind,
    ForeignName,
    Item,
    Note,
    Project,
    Rendition,
    RoundState,
    RoundUnit,
    User,
)
from annotate.selectors.media import read_mark
from annotate.selectors.text import find
from annotate.services import adjudication, annotating, codebooks, reliability
from annotate.services.interchange import Outgoing
from annotate.services.interchange_media import Going, MediaOut
from annotate.services.reliability import Sheet
from annotate.visibility import hidden_items
from archive.clock import isoformat
from archive.importing import refi

_AT_ONCE = 500


def gather(
    session: Session,
    project: Project,
    item_ids: Sequence[str] | None = None,
) -> Outgoing:
    """Return the project as it goes out; of items the person codes blind, only the texts.

    :param item_ids: only these items; None: all that have a text
    """
    return _Gathering(session, project, item_ids).whole()


class _Gathering:
    """Puts one project together; made anew for each export."""

    def __init__(
        self,
        session: Session,
        project: Project,
        item_ids: Sequence[str] | None,
    ) -> None:
        self._session = session
        self._project = project
        self._only = frozenset(item_ids) if item_ids is not None else None
        self._closed = hidden_items(session)
        self._names = self._foreign_names()
        self._users: dict[str, str] = {}
        self._notes: dict[str, refi.Note] = {}
        self._selections: dict[str, list[refi.Selection]] = defaultdict(list)
        self._codings: dict[str, list[refi.Coding]] = defaultdict(list)
        self._within: dict[str, list[refi.Coding]] = defaultdict(list)
        self._note_refs: dict[str, list[str]] = defaultdict(list)
        self._media = MediaOut(session, project)
        self._wanted: set[str] = set()
        self._held_back: list[str] = []

    def whole(self) -> Outgoing:
        if self._closed:
            self._hold_back(
                f"What was said of the {len(self._closed)} items you code blind: only their "
                "texts go out until the round is revealed."
            )
        books = list(self._books())
        self._codings_elsewhere()
        self._highlights()
        self._rounds()
        self._item_notes()
        captures = self._captures()
        going = [self._going(*one) for one in captures]
        self._media.name_all(going)
        sources: list[refi.Source] = []
        whole: dict[str, refi.Source] = {}
        for one, (capture, item, digest) in zip(going, captures, strict=True):
            source = self._source(one.guid, capture, item, digest)
            if capture.id in self._media.alone:
                whole[self._media.alone[capture.id]] = source
            else:
                sources.append(source)
        if self._media.missing:
            self._hold_back(
                f"{self._media.missing} marks on pictures and films that the catalog does not "
                "have. They go out as Web Annotations."
            )
        texts = {one.guid for one in sources}
        own = {
            "codebooks": own_documents(books),
            "sources": {one.guid: one.told for one in going if one.guid in texts},
            "media": self._media.told,
        }
        note = refi.Note(derived(self._project.id, "own"), refi.OWN_NOTE, dump_own(own))
        project = refi.Project(
            name=self._project.name,
            users=dict(sorted(self._users.items())),
            codes=tuple(to_code(guid, book) for guid, book in books),
            sources=tuple(sources),
            media=self._media.sources(whole),
            notes=dict(sorted(self._notes.items())) | {note.guid: note},
        )
        by_guid = {one.guid: one.capture.id for one in going if one.guid in texts}
        return Outgoing(project, self._held_back, by_guid, self._media.places)

    def _going(self, capture: Capture, item: Item, digest: str) -> Going:
        told = {
            "address": item.address,
            "captured_at": isoformat(capture.captured_at),
            "title": capture.title,
            "sha256": digest,
        }
        return Going(self._name(ForeignKind.SOURCE, capture.id), capture, digest, told)

    def _hold_back(self, why: str) -> None:
        self._held_back.append(why)

    def _foreign_names(self) -> dict[tuple[ForeignKind, str], ForeignName]:
        rows = self._session.scalars(
            select(ForeignName).where(ForeignName.project_id == self._project.id)
        )
        return {(one.kind, one.row_id): one for one in rows}

    def _name(self, kind: ForeignKind, row_id: str) -> str:
        known = self._names.get((kind, row_id))
        return known.name if known is not None and refi.guid_of(known.name) else row_id

    def _books(self) -> Iterator[tuple[str, Codebook]]:
        for book, versions in codebooks.codebooks_of(self._session, self._project):
            content = merged([codebooks.content_of(one) for one in versions])
            yield self._name(ForeignKind.CODEBOOK, book.id), replace(content, name=book.name)

    def _takes(self, item_id: str) -> bool:
        return item_id not in self._closed and (self._only is None or item_id in self._only)

    def _user(self, user: User) -> str:
        self._users[user.id] = user.pseudonym
        return user.id

    def _note(self, guid: str, name: str, text: str) -> tuple[str, ...]:
        if not text:
            return ()
        self._notes[guid] = refi.Note(guid, name, text)
        return (guid,)

    def _codings_elsewhere(self) -> None:
        rows = self._session.scalars(
            select(CodingElsewhere)
            .where(
                CodingElsewhere.project_id == self._project.id,
                CodingElsewhere.withdrawn_at.is_(None),
            )
            .order_by(CodingElsewhere.guid)
        )
        for one in rows:
            if not self._takes(one.item_id):
                continue
            notes: list[str] = []
            for note in json.loads(one.notes):
                notes += self._note(note["guid"], note["name"], note["text"])
            if one.coder_guid:
                self._users[one.coder_guid] = one.coder
            made = isoformat(one.made_at) if one.made_at else ""
            coding = refi.Coding(one.guid, one.code_id, one.coder_guid, made, tuple(notes))
            self._wanted.add(one.capture_id)
            if one.annotation_id is None:
                self._codings[one.capture_id].append(coding)
            else:
                self._within[one.annotation_id].append(coding)

    def _highlights(self) -> None:
        rows = self._session.execute(
            select(Annotation, User)
            .join(User, User.id == Annotation.made_by)
            .where(Annotation.project_id == self._project.id, Annotation.withdrawn_at.is_(None))
            .order_by(Annotation.start, Annotation.id)
        )
        for one, user in rows:
            if not self._takes(one.item_id):
                continue
            known = self._names.get((ForeignKind.HIGHLIGHT, one.id))
            if known is not None and refi.guid_of(known.maker_name):
                maker = known.maker_name
                self._users[maker] = known.maker
            else:
                maker = self._user(user)
            self._wanted.add(one.capture_id)
            guid = self._name(ForeignKind.HIGHLIGHT, one.id)
            codings = tuple(self._within.pop(one.id, ()))
            if one.kind is not AnnotationKind.TEXT:
                placed = refi.MediaSelection(guid, "", (0, 0), one.body, maker, codings)
                self._media.mark(one.capture_id, annotating.mark_of(one), placed)
                continue
            self._selections[one.capture_id].append(
                refi.Selection(guid, one.exact[:80], one.start, one.end, one.body, maker, codings)
            )

    def _rounds(self) -> None:
        rows = self._session.scalars(
            select(CodingRound)
            .where(CodingRound.project_id == self._project.id)
            .order_by(CodingRound.id)
        ).all()
        for one in rows:
            if one.state is RoundState.WITHDRAWN:
                continue
            if one.state is not RoundState.REVEALED:
                self._hold_back(
                    f"The answers of the round “{one.name}”: it is still blind. They go out "
                    "after its reveal."
                )
                continue
            self._round(one)

    def _round(self, one: CodingRound) -> None:
        held = reliability.sheet(self._session, one)
        units = select(RoundUnit.item_id, RoundUnit.capture_id).where(RoundUnit.round_id == one.id)
        captures = dict(self._session.execute(units).all())
        times = self._times(one)
        for item_id, _address in held.units:
            capture_id = captures.get(item_id)
            if capture_id is None or not self._takes(item_id):
                continue
            for coder in held.coders_of(item_id):
                answers = held.given[item_id, coder.id]
                for variable in held.codebook.variables:
                    if variable.key in answers:
                        self._answer(
                            one.id, item_id, capture_id, self._user(coder), variable,
                            answers[variable.key], times.get((item_id, coder.id), ""),
                        )  # fmt: skip
        self._finals(held, captures)

    def _times(self, one: CodingRound) -> dict[tuple[str, str], str]:
        rows = self._session.execute(
            select(Assignment.item_id, Assignment.coder_id, CodingAnswer.submitted_at)
            .join(
                CodingAnswer,
                (CodingAnswer.assignment_id == Assignment.id)
                & (CodingAnswer.version == Assignment.version),
            )
            .where(Assignment.round_id == one.id, Assignment.again.is_(False))
        )
        return {(item_id, coder): isoformat(at) for item_id, coder, at in rows}

    def _finals(self, held: Sheet, captures: dict[str, str | None]) -> None:
        judge = derived(self._project.id, "final")
        variables = {variable.key: variable for variable in held.codebook.variables}
        for final in adjudication.finals(self._session, held):
            capture_id = captures.get(final.item_id)
            if capture_id is None or not self._takes(final.item_id):
                continue
            self._users[judge] = FINAL
            told = final.basis.value
            if final.basis is Basis.ADJUDICATED:
                told = f"{told}: {final.rationale}"
            self._answer(
                held.round.id, final.item_id, capture_id, judge, variables[final.variable],
                replace(final.given, quote="", marks=()), "", basis=told,
            )  # fmt: skip

    def _answer(
        self,
        round_id: str,
        item_id: str,
        capture_id: str,
        user: str,
        variable: Variable,
        given: Given,
        made_at: str,
        basis: str = "",
    ) -> None:
        self._wanted.add(capture_id)
        codings = []
        for code, value in codes_given(variable, given):
            guid = derived("coding", round_id, item_id, user, code, value)
            notes = (
                *self._note(derived(guid, "value"), "Value", value),
                *self._note(derived(guid, "remark"), "Remark", given.memo),
                *self._note(derived(guid, "basis"), "Final answer", basis),
            )
            codings.append(refi.Coding(guid, code, user, made_at, notes))
        place = self._quoted(capture_id, given.quote)
        marks = given.marks if codings else ()
        for number, uri in enumerate(marks):
            guid = derived("mark", round_id, item_id, user, variable.id, uri)
            first = place is None and number == 0  # one coding stands once, its others are named
            held = codings if first else [
                replace(one, guid=derived(one.guid, uri), notes=()) for one in codings
            ]  # fmt: skip
            placed = refi.MediaSelection(guid, "", (0, 0), "", user, tuple(held))
            self._media.mark(capture_id, read_mark(uri), placed)
        if place is None or not codings:
            self._codings[capture_id] += [] if marks else codings
            return
        selection = derived("quote", round_id, item_id, user, variable.id)
        exact, start, end = place
        self._selections[capture_id].append(
            refi.Selection(selection, exact[:80], start, end, "", user, tuple(codings))
        )

    def _quoted(self, capture_id: str, quote: str) -> tuple[str, int, int] | None:
        rendition = self._session.get(Rendition, capture_id) if quote else None
        if rendition is None:
            return None
        start = rendition.text.find(quote)
        if start >= 0:
            return quote, start, start + len(quote)
        found = find(rendition.text, quote)
        return (found.exact, found.start, found.end) if found is not None else None

    def _item_notes(self) -> None:
        rows = self._session.execute(
            select(Note, Item.latest_capture_id)
            .join(Item, Item.id == Note.item_id)
            .where(Note.project_id == self._project.id, Note.withdrawn_at.is_(None))
            .order_by(Note.id)
        )
        for note, capture_id in rows:
            if capture_id is not None and self._takes(note.item_id):
                guid = self._name(ForeignKind.NOTE, note.id)
                self._note_refs[capture_id] += self._note(guid, note.kind.value, note.text)

    def _captures(self) -> list[tuple[Capture, Item, str]]:
        """Return the captures whose text goes out: the last of each item, and all worked on."""
        query = select(Item.latest_capture_id).where(
            Item.project_id == self._project.id, Item.latest_capture_id.is_not(None)
        )
        if self._only is not None:
            wanted = list(self._only)
            latest: set[str] = set()
            for start in range(0, len(wanted), _AT_ONCE):
                batch = query.where(Item.id.in_(wanted[start : start + _AT_ONCE]))
                latest.update(filter(None, self._session.scalars(batch)))
        else:
            latest = set(filter(None, self._session.scalars(query)))
        return sorted(
            self._read_captures(latest | self._wanted), key=lambda one: (one[1].id, one[0].id)
        )

    def _read_captures(self, ids: Iterable[str]) -> Iterator[tuple[Capture, Item, str]]:
        listed = sorted(ids)
        for start in range(0, len(listed), _AT_ONCE):
            rows = self._session.execute(
                select(Capture, Item, Rendition.sha256)
                .join(Item, Item.id == Capture.item_id)
                .join(Rendition, Rendition.capture_id == Capture.id)
                .where(Capture.id.in_(listed[start : start + _AT_ONCE]))
            )
            yield from rows

    def _source(self, guid: str, capture: Capture, item: Item, digest: str) -> refi.Source:
        when = isoformat(capture.captured_at)
        said = f"{item.address}\ncaptured {when}\nSHA-256 of the text {digest}"
        return refi.Source(
            guid=guid,
            name=capture.title or item.title or item.address,
            text=None,
            description=said,
            selections=tuple(self._selections.get(capture.id, ())),
            codings=tuple(self._codings.get(capture.id, ())),
            notes=tuple(self._note_refs.get(capture.id, ())),
        )
