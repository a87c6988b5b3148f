"""Each kind of file to its reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from archive.errors import NotAnArchiveError, UnsafePackageError
from archive.framing import GZIP_MAGIC
from archive.importing.annotations import read_annotations
from archive.importing.derive import Original
from archive.importing.found import Findings
from archive.importing.har import read_har
from archive.importing.kinds import LISTS, FileKind, sniff
from archive.importing.media import read_document, read_film, read_image, read_pdf
from archive.importing.packages import read_wacz, read_zip
from archive.importing.qdpx import read_qdpx
from archive.importing.recompress import arc_to_warc, may_be_mended, recompress_warc
from archive.importing.saved import read_html, read_mhtml
from archive.importing.warcs import read_warc
from archive.reader import walk
from archive.record import Fault, FaultKind
from archive.verdict import VerdictWord, judge, judge_walk

_FIRST: Final = 4  # records or faults looked at to see how a file is packed


def read_original(findings: Findings, original: Original) -> None:
    """Read a file of any kind; what it is not fit for is told as a refusal."""
    try:
        kind = sniff(original.path, original.name)
        findings.kind(kind.value)
        if kind in LISTS:
            raise NotAnArchiveError("this is a list of addresses; it is imported under Lists")
        _READERS[kind](findings, original)
    except (NotAnArchiveError, UnsafePackageError) as error:
        findings.refuse(str(error))


def _warc(findings: Findings, original: Original) -> None:
    with original.path.open("rb") as file:
        begin = file.read(3)
    packed = begin == b"BZh"
    if packed:
        made = recompress_warc(original, findings.work)
        _packed_anew(findings, original, made.faults, made.path)
        return
    if begin == GZIP_MAGIC and _badly_cut(original.path):
        try:
            copy = recompress_warc(original, findings.work).path
        except NotAnArchiveError:
            pass  # its stream is damaged: it is read as it is, and each fault told
        else:
            faults = [one for one in walk(original.path) if isinstance(one, Fault)]
            _packed_anew(findings, original, faults, copy)
            return
    gathered = read_warc(findings, original.path, name=original.name)
    findings.verdict(gathered.verdict)


def _packed_anew(
    findings: Findings, original: Original, faults: Sequence[Fault], copy: Path
) -> None:
    """Read a copy whose records can be opened one by one; faults are those of the original."""
    for fault in faults:
        findings.record_fault(fault)
    gathered = read_warc(
        findings, copy, name=copy.name, stored=copy.name, own=1, faults_told=not faults,
        made_by="records packed one by one, their bytes unchanged",
    )  # fmt: skip
    findings.remark(
        f"The records of {original.name} cannot be opened one by one as it is packed: a copy was "
        "made in which they can. The original is kept."
    )
    findings.verdict(judge(faults, undigested=False) if faults else gathered.verdict)


def _badly_cut(path: Path) -> bool:
    """Tell whether its gzip members are no records: from how it begins, or one holds several.

    Of records in one member only the first can be opened, wherever in the file that is.
    """
    faults = [one for one in islice(walk(path), _FIRST) if isinstance(one, Fault)]
    return may_be_mended(faults) or any(
        isinstance(one, Fault) and one.kind is FaultKind.ONE_MEMBER for one in walk(path)
    )


def _arc(findings: Findings, original: Original) -> None:
    judged = judge_walk(original.path, walk(original.path))
    for one in judged.faults:
        findings.record_fault(one)
    copy, fault = arc_to_warc(original, findings.work, judged.records)
    read_warc(
        findings, copy, name=copy.name, stored=copy.name, own=1, faults_told=False,
        made_by="ARC records written as WARC",
    )  # fmt: skip
    findings.remark("ARC has no digests and no requests; its records were written anew as WARC.")
    if fault:
        findings.fault("ARC", "not all of it read", fault)
    findings.verdict(judged.verdict or VerdictWord.DAMAGED)


_READERS: Final[Mapping[FileKind, Callable[[Findings, Original], None]]] = {
    FileKind.WARC: _warc,
    FileKind.ARC: _arc,
    FileKind.WACZ: read_wacz,
    FileKind.ZIP: read_zip,
    FileKind.HAR: read_har,
    FileKind.MHTML: read_mhtml,
    FileKind.HTML: read_html,
    FileKind.PDF: read_pdf,
    FileKind.DOCUMENT: read_document,
    FileKind.IMAGE: read_image,
    FileKind.VIDEO: read_film,
    FileKind.AUDIO: read_film,
    FileKind.QDPX: read_qdpx,
    FileKind.ANNOTATIONS: read_annotations,
}
