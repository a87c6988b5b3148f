"""Reading a WARC: walked strictly, every page in it found, every fault told and never fatal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from urllib.parse import urljoin

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
from archive.importing.in_file import InFile
from archive.importing.papers import document_words
from archive.importing.reading import (
    PAGE_LIMIT,
    TEXT_TYPES,
    Content,
    is_html,
    outcome_of,
    partial,
    with_words,
)
from archive.reader import read_payload, walk
from archive.record import Fault, Record
from archive.revisits import Resolved, claim_of, instant_of, resolve
from archive.urlkey import SCHEMES
from archive.verdict import VerdictWord, judge_walk

_DOCUMENTS: Final[Mapping[str, PageKind]] = {
    "application/pdf": PageKind.DOCUMENT,
    "application/x-pdf": PageKind.DOCUMENT,
    "application/vnd.openxmlformats-officedocument": PageKind.DOCUMENT,
}
_FRAMES: Final = frozenset({"iframe", "frame", "embed", "object"})
_NOT_MODIFIED: Final = 304
_MOST_CANDIDATES: Final = 100_000


@dataclass(frozen=True, slots=True)
class ListedPage:
    """A page that a WACZ lists: address and time as its `pages.jsonl` has them."""

    address: str
    at: str | None
    title: str


@dataclass(slots=True)
class _Gathered:
    """What a walk leaves behind: candidates for pages, and what is known about them."""

    candidates: list[tuple[Record, PageKind]]
    redirects: dict[str, list[str]]
    frames: set[str]
    verdict: VerdictWord
    records: int
    faults: int
    writer: str = ""
    beyond: int = 0
    """Answers that may be pages and are more than are looked at."""
    unclear: int = 0
    """Revisits of which nothing in the file says whether they are pages."""
    shown: set[str] = field(default_factory=set)
    """Addresses of the pages handed on, and those that lead to them."""


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
) -> _Gathered:
    """Walk a WARC, hand on its records, faults and pages.

    :param stored: its path in the work folder, "" for the original itself
    :param listed: the pages a package lists; then only these are proposed
    :param own: records in it that are ours, not the original's: not counted as found
    :param faults_told: whether faults are handed on; not where the original's were already
    :raises NotAnArchiveError: it is no WARC
    """
    number = findings.begin_warc()
    gathered = _gather(findings, path, number, listed or {}, faults_told=faults_told)
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
    if gathered.beyond:
        detail = f"{gathered.beyond} answers beyond the first {_MOST_CANDIDATES} are not shown"
        findings.fault(name, "more pages than are read", detail)
    if gathered.unclear:
        findings.remark(
            f"{gathered.unclear} revisits in {name} do not say what they are, and their bodies are "
            "not in this file: whether they are pages is not known. They are kept as records."
        )
    return gathered


def _gather(
    findings: Findings,
    path: Path,
    number: int,
    listed: Mapping[str, ListedPage],
    *,
    faults_told: bool,
) -> _Gathered:
    held = _Gathered([], {}, set(), VerdictWord.INTACT, 0, 0)
    judged = judge_walk(path, _handed_on(findings, path, number, held, listed))
    if faults_told:
        for fault in judged.faults:
            findings.record_fault(fault)
    held.verdict = judged.verdict or VerdictWord.DAMAGED
    held.faults = len(judged.faults)
    return held


def _handed_on(
    findings: Findings,
    path: Path,
    number: int,
    held: _Gathered,
    listed: Mapping[str, ListedPage],
) -> Iterator[Record | Fault]:
    """Yield what a walk finds, after handing each record on."""
    for found in walk(path):
        if isinstance(found, Record):
            findings.record(FoundRecord.of(number, held.records, found))
            held.records += 1
            _note(held, found, path, listed)
        yield found


def _note(held: _Gathered, record: Record, path: Path, listed: Mapping[str, ListedPage]) -> None:
    if record.type == "warcinfo" and not held.writer:
        held.writer = _software(path, record)
    elif record.type == "request":
        _note_frame(held, record)
    elif record.type in {"response", "resource", "revisit"}:
        _note_answer(held, record, listed)


def _note_frame(held: _Gathered, record: Record) -> None:
    """Remember which answers a browser loaded into a frame (Fetch Metadata, Sec-Fetch-Dest)."""
    if (record.http_header("Sec-Fetch-Dest") or "").lower() in _FRAMES:
        together = record.header("WARC-Concurrent-To")
        if together:
            held.frames.add(together)


def _note_answer(held: _Gathered, record: Record, listed: Mapping[str, ListedPage]) -> None:
    target = record.target or ""
    if not target.lower().startswith(tuple(f"{scheme}://" for scheme in SCHEMES)):
        return
    status = _answered(record)
    if status is not None and 300 <= status < 400:
        location = record.http_header("Location")
        if location and len(held.redirects) < _MOST_CANDIDATES:
            held.redirects.setdefault(_joined(target, location), []).append(target)
        return
    kind = _kind_of(record, listed=target in listed)
    good = status is None or 200 <= status < 300
    if kind is None or not (good or kind is PageKind.PAGE):
        return
    if len(held.candidates) < _MOST_CANDIDATES:
        held.candidates.append((record, kind))
    else:
        held.beyond += 1


def _answered(record: Record) -> int | None:
    """Return the status of what a record shows; a resource has none, and is there.

    A revisit answered 304 shows what its original does: the server said that it still holds
    (RFC 9110, 15.4.5; WARC/1.1, 6.7.3).
    """
    if record.type == "resource":
        return 200
    unchanged = record.type == "revisit" and record.http_status == _NOT_MODIFIED
    return 200 if unchanged else record.http_status


def _kind_of(record: Record, *, listed: bool = False) -> PageKind | None:
    """Tell what a record is to its reader; None where it is no page. `listed`: as a page."""
    declared = record.content_type or "" if record.type == "resource" else ""
    declared = record.http_header("Content-Type") or declared
    if is_html(declared):
        return PageKind.PAGE
    if record.type == "revisit" and not declared:
        return PageKind.PAGE  # its original tells
    plain = declared.strip().lower()
    if listed and plain.startswith(TEXT_TYPES):
        return PageKind.PAGE
    return next((kind for type_, kind in _DOCUMENTS.items() if plain.startswith(type_)), None)


def _hand_on_pages(
    findings: Findings,
    path: Path,
    number: int,
    held: _Gathered,
    listed: Mapping[str, ListedPage] | None,
) -> None:
    revisits = any(one.type == "revisit" for one, _kind in held.candidates)
    originals = InFile.of(path) if revisits else None
    for record, kind in held.candidates:
        page = _page(number, record, kind, held, listed)
        if record.type == "revisit" and originals is not None:
            read = _revisited(page, record, path, originals, held)
        else:
            read = _read(page, path, record, kind)
        if read is not None:
            findings.page(read)
            held.shown.update(filter(None, (read.address, *read.redirected_from)))


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
    number: int,
    record: Record,
    kind: PageKind,
    held: _Gathered,
    listed: Mapping[str, ListedPage] | None,
) -> FoundPage:
    outcome, reason = outcome_of(_answered(record))
    moment = instant_of(record.date)
    framed = record.record_id in held.frames or (
        (record.header("WARC-Resource-Type") or "document").lower() in _FRAMES
    )
    on_list = (listed or {}).get(record.target or "")
    good = reason == "" and kind is PageKind.PAGE
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
    if (payload.record.record_id, payload.record.target) != (record.record_id, record.target):
        told = "its record is packed together with others and cannot be opened by itself"
        return partial(replace(page, proposed=False), told)
    if kind is PageKind.DOCUMENT:
        return document_words(page, payload.body, payload.content_type)
    return with_words(page, Content(payload.body, payload.content_type))


def _revisited(
    page: FoundPage, record: Record, path: Path, originals: InFile, held: _Gathered
) -> FoundPage | None:
    """Read a revisit's page from its original; where that is not in the file, say so."""
    claim = claim_of(record)
    found = resolve(claim, originals)
    if found is None:
        if not record.http_header("Content-Type"):
            held.unclear += 1
            return None  # nothing says that it is a page
        told = f"{MISSING_BODY}, which this file lacks ({claim.words})"
        return partial(replace(page, reason=told, revisit=claim), "")
    original = found.place
    kind = _kind_of(original)
    if kind is None:
        return None
    told = f"a revisit: body from {_named(found)}"
    if record.http_status == _NOT_MODIFIED:
        told = f"{told}; the server answered {_NOT_MODIFIED}, not modified"
    proposed = page.proposed and kind is page.kind
    return _read(replace(page, kind=kind, reason=told, proposed=proposed), path, original, kind)


def _named(found: Resolved[Record]) -> str:
    return f"record {found.place.record_id} of the same file, found by {found.by.value}"
