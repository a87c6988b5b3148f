"""What leaves the archive as files: without the cookies of an identity, and looked through for it.

A stored file is never changed. Where cookies are to be left out, a copy is derived for this one
package (archive/redact.py), and the package says so. What is about to leave is searched for the
strings that tell who was signed in; what is found is for a person to judge.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.models import Capture, CaptureSession, WarcFile
from annotate.services.identities import sessions_of
from annotate.services.viewing import Viewing
from archive.capture.sessions import SessionStore
from archive.errors import DamagedRecordError, NotAnArchiveError, StoreError
from archive.export.wacz import PackedWarc
from archive.lookup import IndexFolder
from archive.redact import find_strings, redact


class Cookies(StrEnum):
    """From which files cookies and authorisation are left out."""

    SIGNED_IN = "signed-in"
    """From those with a capture made with a capture session."""
    ALL = "all"
    KEEP = "keep"
    """From none: every file is as it was stored."""

    @classmethod
    def read(cls, word: str) -> Cookies:
        """Read what a form or command says; nothing said means the captures made signed in.

        :raises UsageError: it is none of them
        """
        try:
            return cls(word or cls.SIGNED_IN)
        except ValueError:
            words = ", ".join(cls)
            raise UsageError(f"Cookies are left out by one of: {words}; not by {word!r}.") from None


@dataclass(frozen=True, slots=True)
class Leaving:
    """The files of a package as they leave."""

    warcs: tuple[PackedWarc, ...]
    redacted: int
    """How many of them are copies without cookies and authorisation."""

    @property
    def note(self) -> str:
        """A sentence for the package; empty where every file is as it was stored."""
        if not self.redacted:
            return ""
        return (
            f"Cookies and authorisation were left out of {self.redacted} of {len(self.warcs)} "
            "files; the last record of each such file lists what was changed."
        )


@dataclass(frozen=True, slots=True)
class Identities:
    """The strings to look for, and the sessions whose strings are not known any more."""

    strings: tuple[str, ...]
    forgotten: int


@dataclass(frozen=True, slots=True)
class Seen:
    """A string of an identity in a file that is about to leave."""

    file: str
    string: str
    target: str
    times: int
    problem: str = ""
    """Why the file could not be searched; then the rest is empty."""


def identities_in(
    session: Session, store: SessionStore, project_id: str, captures: Iterable[Capture]
) -> Identities:
    """Return the identity strings of the project's sessions, of those it has and knows."""
    used = {one.session_id for one in captures if one.session_id is not None}
    kept = sessions_of(session, project_id)
    strings: list[str] = []
    for row in kept:
        try:
            strings += store.load(row.id).identity
        except StoreError as error:
            raise UsageError(
                f"The file of the capture session {row.name!r} cannot be read, so nothing can be "
                f"searched for its identity: {error} Restore it, or delete the session."
            ) from error
    gone = used - {row.id for row in kept}
    forgotten = session.scalars(
        select(CaptureSession.identity_strings).where(CaptureSession.id.in_(gone))
    )
    return Identities(tuple(dict.fromkeys(strings)), sum(number > 0 for number in forgotten))


def make_ready(
    warcs: Sequence[WarcFile],
    signed_in: frozenset[str],
    viewing: Viewing,
    cookies: Cookies,
    folder: Path,
    *,
    at: datetime,
) -> Leaving:
    """Return the files as they are to leave; copies stand in `folder` for as long as it does.

    :param signed_in: ids of the files with a capture made with a session
    :param at: the date that copies bear, so that the same selection gives the same bytes
    :raises UsageError: a file is damaged, so that nothing can be derived from it
    """
    made: list[PackedWarc] = []
    redacted = 0
    for warc in warcs:
        path = viewing.warc_path(warc)
        if cookies is Cookies.KEEP or (cookies is Cookies.SIGNED_IN and warc.id not in signed_in):
            made.append(
                PackedWarc(path, _named(warc.id, warc.sha256, path), viewing.index_of(warc))
            )
            continue
        made.append(_without(warc, path, folder, at))
        redacted += 1
    return Leaving(tuple(made), redacted)


def _without(warc: WarcFile, path: Path, folder: Path, at: datetime) -> PackedWarc:
    copy = folder / f"{warc.id}.copy"
    try:
        derived = redact(path, copy, at=at)
    except (NotAnArchiveError, DamagedRecordError) as error:
        raise UsageError(
            f"No copy without cookies can be made of {warc.name}: {error}. Leave the files as they "
            "were stored, or leave out its items."
        ) from error
    index = IndexFolder(folder / "cdxj").of(copy, derived.sha256)
    return PackedWarc(copy, _named(warc.id, derived.sha256, copy), index)


def look_through(leaving: Leaving, strings: Sequence[str]) -> list[Seen]:
    """Search the files for strings of identities, in whatever coding and charset they stand."""
    if not strings:
        return []
    seen: list[Seen] = []
    for warc in leaving.warcs:
        try:
            seen += [
                Seen(warc.name, one.string, one.target or "", one.times)
                for one in find_strings(warc.path, strings)
            ]
        except (NotAnArchiveError, DamagedRecordError) as error:
            seen.append(Seen(warc.name, "", "", 0, str(error)))
    return seen


def _named(warc_id: str, sha256: str, path: Path) -> str:
    """Name a file by what its bytes are: an import may be called anything."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return f"{warc_id}-{sha256[:12]}{'.warc.gz' if packed else '.warc'}"
