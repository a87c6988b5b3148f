"""Reading a WARC: walked strictly, every page in it found, every fault told and never fatal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import urljoin

from archive.digest import Digest
from archive.errors import DamagedRecordError
from archive.importing.found import (
    MISSING_BODY,
    Basis,
    Findings,
    FoundPage,
    FoundRecord,
    FoundWarc,
    PageKind,
)
from archive.importing.papers import document_words
from archive.importing.reading import (
    PAGE_LIMIT,
    Content,
    is_html,
    outcome_of,
    partial,
    with_words,
)
from archive.reader import read_payload, walk
from archive.record import Fault, Record
from archive.revisits import (
    Resolved,
    RevisitClaim,
    claim_of,
    digest_of,
    instant_of,
    resolve,
)
from archive.urlkey import SCHEMES
from archive.verdict import VerdictWord, judge_walk

_DOCUMENTS: Final[Mapping[str, PageKind]] = {
    "application/pdf": PageKind.DOCUMENT,
    "application/x-pdf": PageKind.DOCUMENT,
    "application/vnd.openxmlformats-officedocument": PageKind.DOCUMENT,
}
_FRAMES: Final = frozenset({"iframe", "frame", "embed", "object"})
_SHOWN_FAULTS: Final = frozenset({401, 403, 404, 410, 429, 451})
_MOST_CANDIDATES: Final = 100_000
_WITH_BODY: Final = frozenset({"response", "resource"})


@dataclass(frozen=True, slots=True)
class ListedPage:
    """A page that a WACZ lists: address and time as its `pages.jsonl` has them."""

    address: str
    at: str | None
    title: str


@dataclass(slots=True)
class _Gathered:
    """What a walk leaves behind: candidates for pages, and what is known about them."""

    candidates: list[Record]
    redirects: dict[str, list[str]]
    frames: set[str]
    verdict: VerdictWord
    records: int
    faults: int
    writer: str = ""


def read_warc(
    findings: Findings,
    path: Path,
    *,
    name: str,
    stored: str = "",
    made_by: str = "",
    listed: Mapping[str, ListedPage] | None = None,
    faults_told: bool = True,
    own: int = 0,
) -> tuple[_Gathered, int]:
    """Walk a WARC, hand on its records, faults and pages.

    :param stored: its path in the work folder, "" for the original itself
    :param listed: the pages a package lists; then only these are proposed
    :param own: records in it that are ours, not the original's: not counted as found
    :param faults_told: whether faults are handed on; not where the original's were already
    :raises NotAnArchiveError: it is no WARC
    """
    number = findings.begin_warc()
    gathered = _gather(findings, path, number, faults_told=faults_told)
    findings.records -= own
    findings.warc(
        FoundWarc(
            name=name, path=stored, made_by=made_by, verdict=gathered.verdict,
            records=gathered.records, faults=gathered.faults,
        )
    )  # fmt: skip
    if gathered.writer:
        findings.writer(gathered.writer)
    _hand_on_pages(findings, path, number, gathered, listed)
    return gathered, number


def _gather(findings: Findings, path: Path, number: int, *, faults_told: bool) -> _Gathered:
    held = _Gathered([], {}, set(), VerdictWord.INTACT, 0, 0)
    judged = judge_walk(path, _handed_on(findings, path, number, held))
    if faults_told:
        for fault in judged.faults:
            findings.record_fault(fault)
    held.verdict = judged.verdict or VerdictWord.DAMAGED
    held.faults = len(judged.faults)
    return held


def _handed_on(
    findings: Findings, path: Path, number: int, held: _Gathered
) -> Iterator[Record | Fault]:
    """Yield what a walk finds, after handing each record on."""
    for found in walk(path):
        if isinstance(found, Record):
            findings.record(FoundRecord.of(number, held.records, found))
            held.records += 1
            _note(held, found, path)
        yield found


def _note(held: _Gathered, record: Record, path: Path) -> None:
    if record.type == "warcinfo" and not held.writer:
        held.writer = _software(path, record)
    elif record.type == "request":
        _note_frame(held, record)
    elif record.type in {"response", "resource", "revisit"}:
        _note_answer(held, record)


def _note_frame(held: _Gathered, record: Record) -> None:
    """Remember which answers a browser loaded into a frame (Fetch Metadata, Sec-Fetch-Dest)."""
    if (record.http_header("Sec-Fetch-Dest") or "").lower() in _FRAMES:
        together = record.header("WARC-Concurrent-To")
        if together:
            held.frames.add(together)


def _note_answer(held: _Gathered, record: Record) -> None:
    target = record.target or ""
    if not target.lower().startswith(tuple(f"{scheme}://" for scheme in SCHEMES)):
        return
    status = record.http_status if record.type != "resource" else 200
    if status is not None and 300 <= status < 400 and record.type == "response":
        location = record.http_header("Location")
        if location and len(held.redirects) < _MOST_CANDIDATES:
            held.redirects.setdefault(_joined(target, location), []).append(target)
        return
    kind = _kind_of(record)
    if kind is None or len(held.candidates) >= _MOST_CANDIDATES:
        return
    good = status is None or 200 <= status < 300
    if good or (kind is PageKind.PAGE and status in _SHOWN_FAULTS):
        held.candidates.append(record)


def _kind_of(record: Record) -> PageKind | None:
    declared = record.content_type or "" if record.type == "resource" else ""
    declared = record.http_header("Content-Type") or declared
    if is_html(declared):
        return PageKind.PAGE
    if record.type == "revisit" and not declared:
        return PageKind.PAGE  # its original tells
    plain = declared.strip().lower()
    return next((kind for type_, kind in _DOCUMENTS.items() if plain.startswith(type_)), None)


def _hand_on_pages(
    findings: Findings,
    path: Path,
    number: int,
    held: _Gathered,
    listed: Mapping[str, ListedPage] | None,
) -> None:
    originals = _InFile.of(path) if any(one.type == "revisit" for one in held.candidates) else None
    for record in held.candidates:
        page = _page(number, record, held, listed)
        if record.type == "revisit" and originals is not None:
            read = _revisited(page, record, path, originals)
        else:
            read = _read(page, path, record, _kind_of(record) or PageKind.PAGE)
        if read is not None:
            findings.page(read)


def _software(path: Path, record: Record) -> str:
    """Return what a warcinfo says made the file (WARC/1.1, 6.2)."""
    try:
        body = read_payload(path, record.ref, limit=65_536).body.decode("utf-8", "replace")
    except DamagedRecordError:
        return ""
    fields = (line.partition(":") for line in body.splitlines())
    return next((value for key, _, value in fields if key.strip().lower() == "software"), "")


def _joined(base: str, location: str) -> str:
    try:
        return urljoin(base, location.strip())
    except ValueError:
        return location


def _page(
    number: int, record: Record, held: _Gathered, listed: Mapping[str, ListedPage] | None
) -> FoundPage:
    kind = _kind_of(record) or PageKind.PAGE
    outcome, reason = outcome_of(record.http_status if record.type != "resource" else 200)
    moment = instant_of(record.date)
    framed = record.record_id in held.frames or (
        (record.header("WARC-Resource-Type") or "document").lower() in _FRAMES
    )
    on_list = (listed or {}).get(record.target or "")
    good = outcome_of(record.http_status)[1] == "" and kind is PageKind.PAGE
    return FoundPage(
        warc=number,
        kind=kind,
        address=record.target,
        address_basis=Basis.RECORDED,
        address_from="WARC-Target-URI",
        captured_at=moment.isoformat() if moment is not None else None,
        time_basis=Basis.RECORDED if moment is not None else Basis.IMPORT,
        outcome=outcome,
        reason=reason,
        status=record.http_status,
        offset=record.ref.offset,
        length=record.ref.length,
        record_id=record.record_id,
        payload_digest=(record.header("WARC-Payload-Digest") or "")[:80] or None,
        title=on_list.title if on_list is not None else "",
        proposed=on_list is not None if listed is not None else good and not framed,
        redirected_from=_leading_to(held.redirects, record.target or ""),
    )


def _leading_to(redirects: Mapping[str, list[str]], target: str) -> tuple[str, ...]:
    """Return the addresses from which redirects of the same file lead to `target`."""
    found: dict[str, None] = {}
    edge = [target]
    while edge and len(found) < 20:
        for source in redirects.get(edge.pop(), ()):
            if source != target and source not in found:
                found[source] = None
                edge.append(source)
    return tuple(found)


def _read(page: FoundPage, path: Path, record: Record, kind: PageKind) -> FoundPage:
    try:
        payload = read_payload(path, record.ref, limit=PAGE_LIMIT)
    except (DamagedRecordError, MemoryError) as error:
        return partial(page, str(error) or "it needs more memory than an import may use")
    if kind is PageKind.DOCUMENT:
        return document_words(page, payload.body, payload.content_type)
    return with_words(page, Content(payload.body, payload.content_type))


def _revisited(page: FoundPage, record: Record, path: Path, originals: _InFile) -> FoundPage | None:
    """Read a revisit's page from its original; where that is not in the file, say so."""
    claim = claim_of(record)
    found = resolve(claim, originals)
    if found is None:
        if not is_html(record.http_header("Content-Type") or ""):
            return None  # nothing says that it is a page
        told = f"{MISSING_BODY}, which this file lacks ({claim.words})"
        return partial(replace(page, reason=told, revisit=claim), "")
    original = found.place
    if not is_html(original.http_header("Content-Type") or original.content_type or ""):
        return None
    told = f"a revisit: body from {_named(found)}"
    return _read(replace(page, reason=told), path, original, PageKind.PAGE)


def _named(found: Resolved[Record]) -> str:
    return f"record {found.place.record_id} of the same file, found by {found.by.value}"


class _InFile:
    """Originals of one file. Kept small: only answers with a body, by what names them."""

    def __init__(self) -> None:
        self._by_id: dict[str, Record] = {}
        self._by_date: dict[tuple[str, datetime], Record] = {}
        self._by_digest: dict[tuple[str, bytes], Record] = {}

    @classmethod
    def of(cls, path: Path) -> _InFile:
        """Gather what the revisits of a file may refer to, and no more than they name."""
        wanted = _wanted(path)
        held = cls()
        for found in walk(path):
            if isinstance(found, Record) and found.type in _WITH_BODY:
                held._add(found, wanted)
        return held

    def by_id(self, record_id: str) -> Record | None:
        """Return the record of this id."""
        return self._by_id.get(record_id)

    def by_date(self, target: str, moment: datetime) -> Record | None:
        """Return the record of this address and time."""
        return self._by_date.get((target, moment))

    def by_digest(self, digest: Digest) -> Record | None:
        """Return a record of this payload."""
        return self._by_digest.get((digest.algorithm, digest.value))

    def _add(self, record: Record, wanted: _Wanted) -> None:
        slim = record._replace(headers=())
        if record.record_id in wanted.ids:
            self._by_id.setdefault(record.record_id or "", slim)
        moment = instant_of(record.date)
        if moment is not None and (record.target or "", moment) in wanted.dates:
            self._by_date.setdefault((record.target or "", moment), slim)
        digest = digest_of(record.header("WARC-Payload-Digest"))
        if digest is not None and (digest.algorithm, digest.value) in wanted.digests:
            self._by_digest.setdefault((digest.algorithm, digest.value), slim)


@dataclass(frozen=True, slots=True)
class _Wanted:
    ids: set[str]
    dates: set[tuple[str, datetime]]
    digests: set[tuple[str, bytes]]


def _wanted(path: Path) -> _Wanted:
    wanted = _Wanted(set(), set(), set())
    for claim in _claims(path):
        if claim.refers_to:
            wanted.ids.add(claim.refers_to)
        moment = instant_of(claim.date)
        if moment is not None:
            wanted.dates.add((claim.target or "", moment))
        digest = digest_of(claim.digest)
        if digest is not None:
            wanted.digests.add((digest.algorithm, digest.value))
    return wanted


def _claims(path: Path) -> Iterator[RevisitClaim]:
    for found in walk(path):
        if isinstance(found, Record) and found.type == "revisit":
            yield claim_of(found)
