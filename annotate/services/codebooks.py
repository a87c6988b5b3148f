"""Codebooks: editing a draft, freezing a version, beginning the next."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NameTakenError, NotFoundError, StaleSaveError, UsageError
from annotate.events import Actor
from annotate.instrument import answers, editing
from annotate.instrument import codebook as instrument
from annotate.instrument.codebook import Codebook
from annotate.models import (
    Assignment,
    CodebookVersion,
    CodingAnswer,
    CodingRound,
    Event,
    EventKind,
    Project,
    RoundState,
    StudyCodebook,
    VersionState,
)
from archive.clock import utc_now


def create(
    session: Session, actor: Actor, project: Project, content: Codebook, reason: str = ""
) -> CodebookVersion:
    """Make a codebook with a first draft version.

    :raises UsageError: the content cannot be coded with
    :raises NameTakenError: the project has one of that name
    """
    instrument.check(content)
    name = content.name.strip()
    if any(one.name == name for one, _versions in codebooks_of(session, project)):
        raise NameTakenError(f"This project has a codebook “{name}” already.")
    book = StudyCodebook(project_id=project.id, name=name, created_by=actor.user_id)
    version = CodebookVersion(
        codebook_id=book.id,
        number=1,
        document=instrument.dump(replace(content, name=name)),
        reason=reason,
        changed_by=actor.user_id,
    )
    session.add_all([book, version])
    events.record(
        session,
        EventKind.CODEBOOK_CREATE,
        actor=actor,
        covers=[book, version],
        project_id=project.id,
        body={"codebook": book.id, "version": version.id, "name": name},
        after=version.document,
        reason=reason,
    )
    session.flush()
    return version


def codebooks_of(
    session: Session, project: Project
) -> list[tuple[StudyCodebook, list[CodebookVersion]]]:
    """Return the project's codebooks by name, each with its versions, newest first."""
    rows = session.execute(
        select(StudyCodebook, CodebookVersion)
        .join(CodebookVersion, CodebookVersion.codebook_id == StudyCodebook.id)
        .where(StudyCodebook.project_id == project.id)
        .order_by(StudyCodebook.name, CodebookVersion.number.desc())
    )
    found: dict[StudyCodebook, list[CodebookVersion]] = {}
    for book, version in rows:
        found.setdefault(book, []).append(version)
    return list(found.items())


def get_version(session: Session, project: Project, version_id: str) -> CodebookVersion:
    """Return a version of one of the project's codebooks.

    :raises NotFoundError: there is none of that id
    """
    version = session.get(CodebookVersion, version_id)
    book = session.get(StudyCodebook, version.codebook_id) if version is not None else None
    if version is None or book is None or book.project_id != project.id:
        raise NotFoundError("This project has no such codebook version.")
    return version


def content_of(version: CodebookVersion) -> Codebook:
    """Return what a version asks."""
    return instrument.load(version.document)


def earlier_version(session: Session, version: CodebookVersion) -> CodebookVersion | None:
    """Return the version before this one."""
    return session.scalar(
        select(CodebookVersion).where(
            CodebookVersion.codebook_id == version.codebook_id,
            CodebookVersion.number == version.number - 1,
        )
    )


def change(
    session: Session,
    actor: Actor,
    project: Project,
    version: CodebookVersion,
    content: Codebook,
    *,
    seen: int,
) -> None:
    """Give a draft another content.

    :param seen: the row version the editor began from
    :raises UsageError: the version is frozen, the content cannot be coded with, or answers of
        the version before would lose their meaning
    :raises StaleSaveError: somebody saved in between
    """
    _refuse_frozen(version)
    instrument.check(content)
    earlier = earlier_version(session, version)
    if earlier is not None:
        editing.refuse_breaks(content_of(earlier), content)
    before, after = version.document, instrument.dump(content)
    if version.row_version != seen:
        raise StaleSaveError(
            "Somebody changed this codebook while you were editing it. Nothing was saved.",
            theirs=before,
            yours=after,
            version=version.row_version,
        )
    if before != after:
        _save(session, actor, project, version, after)


def undo_change(
    session: Session, actor: Actor, project: Project, version: CodebookVersion, *, seen: int
) -> None:
    """Take back the last change of a draft that was not taken back yet.

    :param seen: the row version the editor saw
    :raises UsageError: the version is frozen, or nothing is left to take back
    :raises StaleSaveError: somebody saved in between
    """
    _refuse_frozen(version)
    if version.row_version != seen:
        raise StaleSaveError(
            "Somebody changed this codebook meanwhile. Nothing was taken back.",
            theirs=version.document,
            yours="",
            version=version.row_version,
        )
    standing = _changes_standing(session, project, version)
    if not standing:
        raise UsageError("There is no change of this draft left to take back.")
    number, before = standing[-1]
    _save(session, actor, project, version, before, undoes=number)


def can_undo(session: Session, project: Project, version: CodebookVersion) -> bool:
    """Tell whether a draft has a change to take back."""
    return version.state is VersionState.DRAFT and bool(
        _changes_standing(session, project, version)
    )


def discard(session: Session, actor: Actor, project: Project, version: CodebookVersion) -> None:
    """Give up a draft of a next version; its document stays in the history.

    :raises UsageError: it is frozen, or the codebook's only version
    """
    _refuse_frozen(version)
    if version.number == 1:
        raise UsageError("This is the codebook's only version; edit it instead.")
    session.delete(version)
    events.record(
        session,
        EventKind.CODEBOOK_DISCARD,
        actor=actor,
        covers=[version],
        project_id=project.id,
        body={"version": version.id, "number": version.number},
        before=version.document,
    )
    session.flush()


def _save(
    session: Session,
    actor: Actor,
    project: Project,
    version: CodebookVersion,
    document: str,
    *,
    undoes: int | None = None,
) -> None:
    """Give a draft another document.

    :param undoes: number of the event whose change this takes back
    """
    before = version.document
    version.document = document
    version.row_version += 1
    version.changed_by, version.changed_at = actor.user_id, utc_now()
    body: dict[str, object] = {"version": version.id, "number": version.number}
    if undoes is not None:
        body["undoes"] = undoes
    events.record(
        session,
        EventKind.CODEBOOK_CHANGE,
        actor=actor,
        covers=[version],
        project_id=project.id,
        body=body,
        before=before,
        after=document,
    )
    session.flush()


def _changes_standing(
    session: Session, project: Project, version: CodebookVersion
) -> list[tuple[int, str]]:
    """Return number and document before of each change that was not taken back, oldest first."""
    documents = session.scalars(
        select(Event.document)
        .where(Event.ledger == project.id, Event.kind == EventKind.CODEBOOK_CHANGE)
        .order_by(Event.n)
    )
    standing: list[tuple[int, str]] = []
    for document in map(json.loads, documents):
        if document["body"].get("version") != version.id:
            continue
        if "undoes" in document["body"]:
            standing = [one for one in standing if one[0] != document["body"]["undoes"]]
        else:
            standing.append((document["n"], document["before"]))
    return standing


def freeze(session: Session, actor: Actor, project: Project, version: CodebookVersion) -> str:
    """Freeze a version for good; return its digest.

    :raises UsageError: it is frozen already, or not finished
    """
    _refuse_frozen(version)
    instrument.check_complete(content_of(version))
    version.digest = instrument.digest(version.document)
    version.state = VersionState.FROZEN
    version.frozen_by, version.frozen_at = actor.user_id, utc_now()
    version.row_version += 1
    events.record(
        session,
        EventKind.CODEBOOK_FREEZE,
        actor=actor,
        covers=[version],
        project_id=project.id,
        body={"version": version.id, "number": version.number, "sha256": version.digest},
    )
    session.flush()
    return version.digest


def begin_next(
    session: Session, actor: Actor, project: Project, version: CodebookVersion, reason: str
) -> CodebookVersion:
    """Begin the next version as a copy of a frozen one.

    :raises UsageError: this one is not frozen, a draft exists already, or no reason is given
    """
    if version.state is not VersionState.FROZEN:
        raise UsageError("A new version begins from a frozen one. Freeze this one, or edit it.")
    if not reason.strip():
        raise UsageError("Say why a new version is needed; it stands in the codebook's history.")
    newest = session.scalars(
        select(CodebookVersion)
        .where(CodebookVersion.codebook_id == version.codebook_id)
        .order_by(CodebookVersion.number.desc())
    ).first()
    if newest is not None and newest.state is VersionState.DRAFT:
        raise UsageError(f"Version {newest.number} is a draft already; edit that one.")
    following = CodebookVersion(
        codebook_id=version.codebook_id,
        number=(newest.number if newest is not None else 0) + 1,
        document=version.document,
        reason=reason.strip(),
        changed_by=actor.user_id,
    )
    session.add(following)
    events.record(
        session,
        EventKind.CODEBOOK_CREATE,
        actor=actor,
        covers=[following],
        project_id=project.id,
        body={"version": following.id, "number": following.number, "from": version.id},
        reason=reason.strip(),
    )
    session.flush()
    return following


def uses(session: Session, version: CodebookVersion) -> dict[tuple[str, str], int]:
    """Count, over the revealed rounds of this codebook, how often each code was last given.

    Rounds still blind are left out: even a count would tell of answers nobody may read yet.
    """
    rows = session.scalars(
        select(CodingAnswer.answers)
        .join(Assignment, Assignment.id == CodingAnswer.assignment_id)
        .join(CodingRound, CodingRound.id == Assignment.round_id)
        .join(CodebookVersion, CodebookVersion.id == CodingRound.version_id)
        .where(
            CodebookVersion.codebook_id == version.codebook_id,
            CodingRound.state == RoundState.REVEALED,
            Assignment.again.is_(False),
            CodingAnswer.version == Assignment.version,
        )
    )
    found: dict[tuple[str, str], int] = {}
    for document in rows:
        for key, given in answers.load(document).items():
            for value in given.values:
                found[key, value] = found.get((key, value), 0) + 1
    return found


def rounds_with(session: Session, versions: Sequence[CodebookVersion]) -> dict[str, int]:
    """Count the rounds of each version that were not withdrawn."""
    ids = [version.id for version in versions]
    rows = session.execute(
        select(CodingRound.version_id, func.count())
        .where(CodingRound.version_id.in_(ids), CodingRound.state != RoundState.WITHDRAWN)
        .group_by(CodingRound.version_id)
    )
    return dict(rows.all())


def _refuse_frozen(version: CodebookVersion) -> None:
    if version.state is VersionState.FROZEN:
        raise UsageError(
            f"Version {version.number} is frozen: people coded with these words. "
            "Begin a new version to change them."
        )
