"""The verdict on a WARC file, in one word and with every reason named (archive.md §4)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from archive.reader import walk
from archive.record import DigestState, Fault, FaultKind, Record

_WITH_CONTENT: Final = frozenset({"response", "resource", "conversion", "request", "metadata"})
_SAID_WRONG: Final = frozenset({FaultKind.BLOCK_DIGEST, FaultKind.PAYLOAD_DIGEST})


class VerdictWord(StrEnum):
    """How a file stands; only `intact` is good."""

    INTACT = "intact"
    INTACT_WITHOUT_DIGESTS = "intact-without-digests"
    DAMAGED = "damaged"
    TRUNCATED = "truncated"
    FOREIGN_DIGEST_MISMATCH = "foreign-digest-mismatch"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on one file; `records` counts those that can be read."""

    path: Path
    verdict: VerdictWord
    records: int
    faults: tuple[Fault, ...]


def verify_file(path: Path) -> Verdict:
    """Walk the whole file and judge it.

    :raises NotAnArchiveError: it is no WARC at all
    """
    faults: list[Fault] = []
    records = 0
    undigested = False
    ours = False
    for found in walk(path):
        if isinstance(found, Fault):
            faults.append(found)
            continue
        records += 1
        undigested = undigested or _is_undigested(found)
        ours = ours or (found.type == "metadata" and _is_our_provenance(found))
    return Verdict(path, judge(faults, undigested=undigested, ours=ours), records, tuple(faults))


def judge(faults: list[Fault], *, undigested: bool, ours: bool = False) -> VerdictWord:
    """Find the word for what a walk found.

    :param undigested: a record with content carries no digest that can be checked
    :param ours: the file was written here, so that a wrong digest means changed bytes
    """
    kinds = {fault.kind for fault in faults}
    structural = kinds - _SAID_WRONG
    if structural == {FaultKind.TRUNCATED}:
        return VerdictWord.TRUNCATED
    if structural or (kinds and ours):
        return VerdictWord.DAMAGED
    if kinds:
        return VerdictWord.FOREIGN_DIGEST_MISMATCH
    return VerdictWord.INTACT_WITHOUT_DIGESTS if undigested else VerdictWord.INTACT


def _is_undigested(record: Record) -> bool:
    checked = {record.block_digest, record.payload_digest}
    return record.type in _WITH_CONTENT and not checked & {
        DigestState.MATCHES,
        DigestState.DIFFERS,
    }


def _is_our_provenance(record: Record) -> bool:
    return (record.target or "").startswith("urn:provenance:")
