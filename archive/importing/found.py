"""What the reading of a file found: records, faults and pages, handed on as lines of JSON.

The bounded process writes two files: `found.jsonl` (kind, remarks, WARCs, records, faults) and
`pages.jsonl` (one page a line, with its text). Both are derived and can be made again from the
original; the database keeps where a page's line begins.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, Final

from archive.capture.outcome import Outcome
from archive.clock import isoformat
from archive.errors import NotAnArchiveError
from archive.record import Fault, FaultKind, Record
from archive.revisits import RevisitClaim
from archive.verdict import VerdictWord

FOUND_NAME: Final = "found.jsonl"
PAGES_NAME: Final = "pages.jsonl"
MISSING_BODY: Final = "a revisit: its body is in another record"
"""How the reason of a page begins whose body is still missing."""


class Basis(StrEnum):
    """Who says so: what an address or a time of a capture rests on."""

    CAPTURED = "captured"
    """Holdfast fetched it itself."""
    RECORDED = "recorded"
    """It stands in the record of an imported WARC, as the program wrote it that captured."""
    CLAIMED = "claimed by the file"
    """The file says so of itself: HAR, MHTML, HTML, PDF, picture."""
    PERSON = "given by a person"
    IMPORT = "not known"
    """Nobody says: the time is that of the import, the address names the file's own bytes."""


class PageKind(StrEnum):
    """What a found thing is to its reader."""

    PAGE = "page"
    DOCUMENT = "document"
    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class FoundPage:
    """Something that can become a capture. `warc` is the number of its WARC in this reading.

    `redirected_from`: addresses that the same file shows leading here. `proposed`: ticked
    unless a person says otherwise. `captured_at` in ISO 8601 with offset.
    """

    warc: int
    kind: PageKind
    address: str | None
    address_basis: Basis
    address_from: str
    captured_at: str | None
    time_basis: Basis
    outcome: Outcome
    reason: str
    status: int | None
    offset: int
    length: int
    record_id: str | None
    payload_digest: str | None
    title: str = ""
    text: str = ""
    text_version: str = ""
    language_claimed: str | None = None
    facts: str = "{}"
    body: str = ""
    screenshot: str | None = None
    thumbnail: str | None = None
    proposed: bool = True
    redirected_from: tuple[str, ...] = ()
    revisit: RevisitClaim | None = None

    @classmethod
    def load(cls, line: str) -> FoundPage:
        """Read one line of `pages.jsonl`."""
        stored = json.loads(line)
        stored["kind"] = PageKind(stored["kind"])
        stored["address_basis"] = Basis(stored["address_basis"])
        stored["time_basis"] = Basis(stored["time_basis"])
        stored["outcome"] = Outcome(stored["outcome"])
        stored["redirected_from"] = tuple(stored["redirected_from"])
        stored["revisit"] = RevisitClaim(**stored["revisit"]) if stored["revisit"] else None
        return cls(**stored)


@dataclass(frozen=True, slots=True)
class FoundWarc:
    """A WARC of the reading. `path`: relative to the work folder, "" for the original itself."""

    name: str
    path: str
    made_by: str
    verdict: VerdictWord
    records: int
    faults: int

    @property
    def derived(self) -> bool:
        """Whether it was made from the original, which stands beside it."""
        return bool(self.path)


@dataclass(frozen=True, slots=True)
class FoundRecord:
    """One record, as the catalog keeps it."""

    warc: int
    position: int
    record_id: str
    kind: str
    target: str | None
    offset: int
    length: int
    block_digest: str | None
    payload_digest: str | None
    date: str | None

    @classmethod
    def of(cls, warc: int, position: int, record: Record) -> FoundRecord:
        """Take from a record what the catalog keeps."""
        return cls(
            warc=warc,
            position=position,
            record_id=(record.record_id or "")[:200],
            kind=record.type[:40],
            target=record.target[:8000] if record.target else None,
            offset=record.ref.offset,
            length=record.ref.length,
            block_digest=(record.header("WARC-Block-Digest") or "")[:80] or None,
            payload_digest=(record.header("WARC-Payload-Digest") or "")[:80] or None,
            date=(record.date or "")[:40] or None,
        )


@dataclass(frozen=True, slots=True)
class FoundMember:
    """A file unpacked from a ZIP, to be imported by itself. `path` in the work folder."""

    name: str
    path: str


@dataclass(slots=True)
class Summary:
    """The sum of a reading, without its records and pages."""

    kind: str = ""
    verdict: VerdictWord | None = None
    writer: str = ""
    remarks: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    fault_count: int = 0
    warcs: list[FoundWarc] = field(default_factory=list)
    members: list[FoundMember] = field(default_factory=list)
    records: int = 0
    pages: int = 0
    refused: str = ""
    ended: bool = False


class Findings:
    """Written by the bounded process while it reads."""

    MOST_FAULTS: Final = 1000  # told singly; the rest is counted

    def __init__(self, work: Path) -> None:
        self.work = work
        self._found = (work / FOUND_NAME).open("x", encoding="utf-8")
        self._pages = (work / PAGES_NAME).open("x", encoding="utf-8")
        self.records = 0
        self.pages = 0
        self.faults = 0
        self._warcs = 0

    def kind(self, kind: str) -> None:
        """Say what the file is."""
        self._line("kind", kind=kind)

    def writer(self, name: str) -> None:
        """Say which program made the file, as it claims."""
        self._line("writer", name=" ".join(name.split())[:300])

    def remark(self, text: str) -> None:
        """Say something a person should know of the whole file: what it lacks, how it was read."""
        self._line("remark", text=text)

    def begin_warc(self) -> int:
        """Return the number of the WARC whose records follow; without `warc` it stays free."""
        return self._warcs

    def warc(self, warc: FoundWarc) -> None:
        """Say how the WARC begun last stands, after its records."""
        self._line("warc", **asdict(warc))
        self._warcs += 1

    def record(self, record: FoundRecord) -> None:
        """Hand on a record."""
        self.records += 1
        self._line("record", **asdict(record))

    def fault(self, where: str, kind: FaultKind | str, detail: str) -> None:
        """Hand on a fault, in words."""
        self.faults += 1
        if self.faults <= self.MOST_FAULTS:
            self._line("fault", text=f"{where}: {kind}: {detail}"[:600])

    def record_fault(self, fault: Fault) -> None:
        """Hand on a fault of the strict walk."""
        self.fault(f"byte {fault.offset}", fault.kind.value, fault.detail)

    def page(self, page: FoundPage) -> None:
        """Hand on a page."""
        self.pages += 1
        json.dump(asdict(page), self._pages, ensure_ascii=False)
        self._pages.write("\n")

    def member(self, name: str, path: Path) -> None:
        """Hand on a file unpacked from a ZIP."""
        self._line("member", name=name, path=path.relative_to(self.work).as_posix())

    def verdict(self, verdict: VerdictWord) -> None:
        """Say how the original stands."""
        self._line("verdict", word=verdict)

    def refuse(self, reason: str) -> None:
        """Say that nothing of the file is imported, and why."""
        self._line("refused", reason=reason)

    def end(self) -> None:
        """Say that the reading ended by itself; without this it did not."""
        self._line("end", records=self.records, pages=self.pages, faults=self.faults)
        self._found.close()
        self._pages.close()

    def _line(self, what: str, **values: Any) -> None:
        json.dump({"what": what, **values}, self._found, ensure_ascii=False)
        self._found.write("\n")


def load_summary(work: Path) -> Summary:
    """Read what a reading found, but not its records and pages."""
    summary = Summary()
    for stored in _lines(work):
        _TAKE.get(stored.pop("what"), _pass)(summary, stored)
    return summary


def load_records(work: Path) -> Iterator[FoundRecord]:
    """Yield the records of a reading, WARC by WARC."""
    for stored in _lines(work):
        if stored.pop("what") == "record":
            yield FoundRecord(**stored)


def load_pages(work: Path) -> Iterator[tuple[int, FoundPage]]:
    """Yield each page with the byte at which its line begins."""
    path = work / PAGES_NAME
    if not path.exists():
        return
    with path.open("rb") as file:
        at = 0
        for line in file:
            if not line.endswith(b"\n"):
                return  # cut off by the end of its process
            yield at, FoundPage.load(line.decode())
            at += len(line)


def written(moment: datetime | None) -> str | None:
    """Write a time for a page; None where there is none."""
    return isoformat(moment) if moment is not None else None


def _lines(work: Path) -> Iterator[dict[str, Any]]:
    path = work / FOUND_NAME
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        yield from _whole_lines(file)


def _whole_lines(file: IO[str]) -> Iterator[dict[str, Any]]:
    for line in file:
        if line.endswith("\n"):
            stored: dict[str, Any] = json.loads(line)
            yield stored


def _pass(_summary: Summary, _stored: dict[str, Any]) -> None:
    return


def _take_kind(summary: Summary, stored: dict[str, Any]) -> None:
    summary.kind = stored["kind"]


def _take_writer(summary: Summary, stored: dict[str, Any]) -> None:
    summary.writer = summary.writer or stored["name"]


def _take_remark(summary: Summary, stored: dict[str, Any]) -> None:
    summary.remarks.append(stored["text"])


def _take_warc(summary: Summary, stored: dict[str, Any]) -> None:
    summary.warcs.append(FoundWarc(**{**stored, "verdict": VerdictWord(stored["verdict"])}))


def _take_fault(summary: Summary, stored: dict[str, Any]) -> None:
    summary.faults.append(stored["text"])
    summary.fault_count += 1


def _take_member(summary: Summary, stored: dict[str, Any]) -> None:
    summary.members.append(FoundMember(**stored))


def _take_verdict(summary: Summary, stored: dict[str, Any]) -> None:
    summary.verdict = VerdictWord(stored["word"])


def _take_refusal(summary: Summary, stored: dict[str, Any]) -> None:
    summary.refused = stored["reason"]


def _take_end(summary: Summary, stored: dict[str, Any]) -> None:
    summary.records, summary.pages = stored["records"], stored["pages"]
    summary.fault_count = stored["faults"]
    summary.ended = True


_TAKE: Final = {
    "kind": _take_kind,
    "writer": _take_writer,
    "remark": _take_remark,
    "warc": _take_warc,
    "fault": _take_fault,
    "member": _take_member,
    "verdict": _take_verdict,
    "refused": _take_refusal,
    "end": _take_end,
}


def member_path(work: Path, path: str) -> Path:
    """Return where an unpacked member stands.

    :raises NotAnArchiveError: the path leads out of the work folder
    """
    found = (work / path).resolve()
    if not found.is_relative_to(work.resolve()):
        raise NotAnArchiveError(f"{path!r} leads out of the work folder")
    return found
