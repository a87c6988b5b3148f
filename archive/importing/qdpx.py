"""Projects of programs for qualitative analysis (REFI-QDA): their texts and files, as pages.

What was coded in them is applied by annotate/ when they are taken; here they become resources of
a derived WARC, so that each stands under the digest of its own bytes. A picture or film that
belongs to a text's capture stands beside that text.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from archive.capture.outcome import Outcome
from archive.clock import parse_instant
from archive.errors import DamagedMemberError, NotAnArchiveError
from archive.importing.derive import Derived, Original
from archive.importing.found import Basis, Findings, FoundPage, PageKind, written
from archive.importing.kinds import media_type
from archive.importing.refi import LIMITS, MediaKind, MediaSource, Project, Source, read_project
from archive.importing.refi_media import PlacedMedia, placed_media, said_of
from archive.verdict import VerdictWord
from archive.wacz.package import Package

TEXT_VERSION: Final = "holdfast-plain/1"
_KINDS: Final[Mapping[MediaKind, PageKind]] = {
    MediaKind.PICTURE: PageKind.IMAGE,
    MediaKind.FILM: PageKind.VIDEO,
    MediaKind.SOUND: PageKind.AUDIO,
}
_BODY: Final = 5000  # characters handed on for telling the language


def read_qdpx(findings: Findings, original: Original) -> None:
    """Read a project: a page for each text it holds, and in words what else is in it.

    :raises NotAnArchiveError: it is no REFI-QDA project
    :raises UnsafePackageError: its zip could harm or mislead a reader
    """
    project = read_project(original.path)
    findings.writer(project.origin)
    if project.with_text() or project.with_file():
        _take(findings, original, project)
    for remark in remarks(project):
        findings.remark(remark)
    findings.verdict(VerdictWord.INTACT_WITHOUT_DIGESTS)


def remarks(project: Project) -> list[str]:
    """Say what a project holds, what of it is taken, and what is not."""
    taken: list[Source | MediaSource] = [*project.with_text(), *project.with_file()]
    codings = sum(
        len(one.codings) + sum(len(part.codings) for part in one.selections) for one in taken
    )
    selections = sum(len(one.selections) for one in taken)
    told = [
        (
            f"A project of another program ({project.origin or 'it does not say which'}), in the "
            f"exchange form REFI-QDA: {_many(len(project.all_codes()), 'code')}, "
            f"{_many(len(project.sources), 'text')}, {_many_files(project)}, "
            f"{_many(selections, 'selection')} and {_many(codings, 'coding')} in what the file "
            "holds whole, "
            f"{_many(len(project.notes), 'note')}, "
            f"{_many(len(project.users), 'person', 'people')}."
        ),
        (
            "Taking it adds its codes as a draft codebook, its selections as marks, and its "
            "codings as codings made elsewhere: under their coders' names, in no round, and in "
            "no count of agreement. What was taken before is not taken again."
        ),
    ]
    lacking = len(project.sources) - len(project.with_text())
    if lacking:
        told.append(
            f"The words of {_many(lacking, 'text')} are not in the file; what was marked in them "
            "is not taken. Export the project again with its sources to have them."
        )
    apart = len(project.media) - len(project.with_file())
    if apart:
        told.append(
            f"{_many(apart, 'picture, film or sound', 'pictures, films and sounds')} of it "
            f"{'is' if apart == 1 else 'are'} not in the file; what was marked on "
            f"{'it' if apart == 1 else 'them'} is taken only where it is here already."
        )
    if project.left_out:
        listed = ", ".join(f"{number} {name}" for name, number in sorted(project.left_out.items()))
        told.append(f"Not taken, since there is no place for it here: {listed}.")
    return told


def _many_files(project: Project) -> str:
    held = Counter(one.kind for one in project.media)
    words = {MediaKind.PICTURE: "picture", MediaKind.FILM: "film", MediaKind.SOUND: "sound"}
    return ", ".join(_many(held[kind], word) for kind, word in words.items())


def _many(number: int, one: str, several: str = "") -> str:
    return f"{number} {one if number == 1 else several or one + 's'}"


def _take(findings: Findings, original: Original, project: Project) -> None:
    transformation = "each text of the project as one resource, in UTF-8; its files as they are"
    texts = project.with_text()
    with Derived(findings, original, "qdpx", transformation) as derived:
        records = [
            derived.resource(_urn(data), "text/plain; charset=utf-8", data)
            for data in ((source.text or "").encode() for source in texts)
        ]
        files = _files(findings, original, derived, project)
        number = derived.finish(target=original.urn)
        for source, record in zip(texts, records, strict=True):
            findings.page(_page(derived, number, project, source, record))
        for placed, record, address in files:
            if not placed.beside_text(project):
                page = _alone(derived, number, project, placed.source, record, address)
                findings.page(page)


def _files(
    findings: Findings, original: Original, derived: Derived, project: Project
) -> list[tuple[PlacedMedia, str, str]]:
    """Write the pictures, films and sounds; return each with its record and that's target.

    :raises NotAnArchiveError: one of them is damaged
    """
    files: list[tuple[PlacedMedia, str, str]] = []
    wanted = placed_media(project)
    if not wanted:
        return files
    with Package(original.path, LIMITS) as package:
        for placed in wanted:
            member = package.find(placed.source.member)
            if member is None:
                raise NotAnArchiveError(f"it lacks its file {placed.source.member}")
            path = findings.work / "file-of-project"
            digest = hashlib.sha256()
            try:
                with path.open("wb") as file:
                    for piece in package.pieces(member):
                        digest.update(piece)
                        file.write(piece)
            except DamagedMemberError as error:
                raise NotAnArchiveError(f"a file of the project cannot be read: {error}") from error
            with path.open("rb") as file:
                media = media_type(file.read(64)) or "application/octet-stream"
            target = placed.target or f"urn:sha256:{digest.hexdigest()}"
            said = said_of(project, placed.source.guid)
            at = _moment(said.get("captured_at"))
            files.append((placed, derived.file(target, media, path, at=at), target))
            path.unlink()
    return files


def _alone(
    derived: Derived,
    number: int,
    project: Project,
    source: MediaSource,
    record: str,
    address: str,
) -> FoundPage:
    said = said_of(project, source.guid)
    moment = _moment(said.get("captured_at"))
    told = bool(said.get("address"))
    ref = derived.placed[record]
    return FoundPage(
        warc=number,
        kind=_KINDS[source.kind],
        address=address,
        address_basis=Basis.CLAIMED if told else Basis.IMPORT,
        address_from="the project" if told else "",
        captured_at=written(moment),
        time_basis=Basis.CLAIMED if moment else Basis.IMPORT,
        outcome=Outcome.COMPLETE,
        reason="",
        status=None,
        offset=ref.offset,
        length=ref.length,
        record_id=record,
        payload_digest=None,
        title=str(said.get("title") or source.name),
    )


def _page(
    derived: Derived, number: int, project: Project, source: Source, record: str
) -> FoundPage:
    text = source.text or ""
    said = said_of(project, source.guid)
    address = str(said.get("address") or "")
    moment = _moment(said.get("captured_at"))
    ref = derived.placed[record]
    return FoundPage(
        warc=number,
        kind=PageKind.DOCUMENT,
        address=address or _urn(text.encode()),
        address_basis=Basis.CLAIMED if address else Basis.IMPORT,
        address_from="the project" if address else "",
        captured_at=written(moment),
        time_basis=Basis.CLAIMED if moment else Basis.IMPORT,
        outcome=Outcome.COMPLETE,
        reason="",
        status=None,
        offset=ref.offset,
        length=ref.length,
        record_id=record,
        payload_digest=None,
        title=str(said.get("title") or source.name),
        text=text,
        text_version=TEXT_VERSION,
        body=text[:_BODY],
    )


def _moment(text: object) -> datetime | None:
    try:
        return parse_instant(text) if isinstance(text, str) and text else None
    except ValueError:
        return None


def _urn(data: bytes) -> str:
    return f"urn:sha256:{hashlib.sha256(data).hexdigest()}"
