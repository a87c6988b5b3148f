"""The words a file is judged by, and how what was found makes one (archive.md §4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from archive.record import DigestState, Fault, FaultKind, Record, RecordRef
from archive.wacz.signature import Signature

_WITH_CONTENT: Final = frozenset({"response", "resource", "conversion", "request", "metadata"})
_SAID_WRONG: Final = frozenset(
    {
        FaultKind.BLOCK_DIGEST,
        FaultKind.PAYLOAD_DIGEST,
        FaultKind.FILE_DIGEST,
        FaultKind.HTTP_LONGER,
    }
)
_CHECKED: Final = frozenset({DigestState.MATCHES, DigestState.DIFFERS})
MOST_IDS: Final = 100_000
_NOTHING_SAID: Final = frozenset({FaultKind.NO_DIGEST, FaultKind.WEAK_DIGEST})


class VerdictWord(StrEnum):
    """How a file stands, from best to worst; only `intact` is good."""

    INTACT = "intact"
    INTACT_WITHOUT_DIGESTS = "intact-without-digests"
    DAMAGED = "damaged"
    TRUNCATED = "truncated"
    FOREIGN_DIGEST_MISMATCH = "foreign-digest-mismatch"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on one file; `records` counts those that can be read.

    `verdict` is None where the file is refused: it is no archive, or not one to open. The
    only fault then says why.
    """

    path: Path
    verdict: VerdictWord | None
    records: int
    faults: tuple[Fault, ...]
    signature: Signature | None = None
    """Of a package; None where the format knows none."""

    @property
    def word(self) -> str:
        """The verdict as it is printed."""
        return "refused" if self.verdict is None else self.verdict.value


def judge(faults: Iterable[Fault], *, undigested: bool, ours: bool = False) -> VerdictWord:
    """Find the word for what a walk found.

    :param undigested: a record with content carries no digest that can be checked
    :param ours: the file was written here, or is signed, so that a wrong digest means changed
        bytes
    """
    kinds = {fault.kind for fault in faults}
    nothing_said = undigested or bool(kinds & _NOTHING_SAID)
    kinds -= _NOTHING_SAID
    structural = kinds - _SAID_WRONG
    if structural == {FaultKind.TRUNCATED}:
        return VerdictWord.TRUNCATED
    if structural or (kinds and ours):
        return VerdictWord.DAMAGED
    if kinds:
        return VerdictWord.FOREIGN_DIGEST_MISMATCH
    return VerdictWord.INTACT_WITHOUT_DIGESTS if nothing_said else VerdictWord.INTACT


def is_undigested(record: Record) -> bool:
    """Tell whether a record has content and no digest that could be checked."""
    return (
        record.block_digest not in _CHECKED
        and record.payload_digest not in _CHECKED
        and record.type in _WITH_CONTENT
    )


@dataclass(slots=True)
class Tally:
    """What a walk found, as far as the verdict needs it; two halves make a whole."""

    records: int = 0
    faults: list[Fault] = field(default_factory=list)
    undigested: bool = False
    ours: bool = False
    answered_heads: set[str] = field(default_factory=set)
    ids: list[str] = field(default_factory=list)
    """Of the first records; a capture written here has fewer than are kept."""
    provenance: RecordRef | None = None

    def take(self, found: Iterable[Record | Fault]) -> None:
        """Take what a walk finds."""
        for one in found:
            if isinstance(one, Fault):
                self.faults.append(one)
                continue
            self.records += 1
            self.undigested = self.undigested or is_undigested(one)
            if len(self.ids) < MOST_IDS and one.record_id:
                self.ids.append(one.record_id)
            if one.type == "metadata":
                if _is_our_provenance(one):
                    self.ours = True
                    self.provenance = one.ref
            elif one.type == "request" and one.http_head.startswith(b"HEAD "):
                self.answered_heads.add(one.header("WARC-Concurrent-To") or "")

    def add(self, other: Tally) -> None:
        """Take what the walk of the next part found."""
        self.records += other.records
        self.faults += other.faults
        self.undigested = self.undigested or other.undigested
        self.ours = self.ours or other.ours
        self.ids += other.ids[: MOST_IDS - len(self.ids)]
        self.provenance = other.provenance or self.provenance
        self.answered_heads |= other.answered_heads

    def verdict(self, path: Path) -> Verdict:
        """Judge; `path` is only named."""
        heads = self.answered_heads
        kept = tuple(fault for fault in self.faults if not _is_answer_to_head(fault, heads))
        word = judge(kept, undigested=self.undigested, ours=self.ours)
        return Verdict(path, word, self.records, kept)


def judge_walk(path: Path, found: Iterable[Record | Fault]) -> Verdict:
    """Judge what a walk finds; `path` is only named."""
    tally = Tally()
    tally.take(found)
    return tally.verdict(path)


def _is_answer_to_head(fault: Fault, answered: set[str]) -> bool:
    """Tell whether a missing body is missing by rule: HEAD has none (RFC 9110, 9.3.2)."""
    return (
        fault.kind is FaultKind.HTTP_LENGTH and fault.found == "0" and fault.record_id in answered
    )


def _is_our_provenance(record: Record) -> bool:
    return (record.target or "").startswith("urn:provenance:")
