"""WACZ and plain ZIP: opened strictly, taken apart member by member."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

from archive.digest import file_sha256
from archive.errors import DamagedMemberError, NotAnArchiveError, UnsafePackageError
from archive.importing.derive import Original
from archive.importing.found import Findings
from archive.importing.kinds import FileKind, sniff
from archive.importing.recompress import recompress_warc
from archive.importing.warcs import ListedPage, read_warc
from archive.record import FaultKind
from archive.verdict import VerdictWord
from archive.wacz.judging import judge_package
from archive.wacz.package import Member, Package
from archive.wacz.signature import Signature, SignatureState
from archive.wacz.trust import Trust

_PAGES: Final = 64_000_000  # bytes of a list of pages
_PACKAGE: Final = 16_000_000  # bytes of datapackage.json
_LONGEST_LINE: Final = 4_000_000
_WARC_ENDINGS: Final = (".warc", ".warc.gz", ".warc.zst", ".arc", ".arc.gz")
_MOST_FILES: Final = 2000  # in a ZIP
_ELSEWHERE: Final = "a web archive outside the package's folder archive/, where readers look"
_NO_WARC: Final = "it stands among the WARCs and has no name of one"
_NOT_FOUND: Final = (
    "the package lists it as a page, and none of its WARCs has a page of this address"
)


def read_wacz(findings: Findings, original: Original) -> None:
    """Read the WARCs and the list of pages of a WACZ (1.0, 1.1).

    :raises NotAnArchiveError: it is no package, or holds no WARC
    :raises UnsafePackageError: it could harm or mislead a reader
    """
    judged = judge_package(original.path, Trust())
    for fault in judged.faults:
        where = fault.member or f"byte {fault.offset}"
        findings.fault(where, fault.kind.value, fault.detail)
    if judged.signature is not None:
        findings.remark(_signed(judged.signature))
    with Package(original.path) as package:
        _about(findings, package)
        listed = _listed_pages(findings, package)
        together = {one.member for one in judged.faults if one.kind is FaultKind.ONE_MEMBER}
        taken = 0
        shown: set[str] = set()
        for number, member in enumerate(package.members):
            pure = PurePosixPath(member.name)
            inside, ends = pure.parts[0] == "archive", pure.name.lower().endswith(_WARC_ENDINGS)
            if not inside or not ends:
                if inside or ends:
                    findings.fault(member.name, "not read", _ELSEWHERE if ends else _NO_WARC)
                continue
            target = findings.work / f"{number}-{pure.name[-120:]}"
            try:
                package.copy(member, target)
                shown |= _read_member(findings, target, listed, packed=member.name in together)
            except (DamagedMemberError, NotAnArchiveError, UnsafePackageError) as error:
                findings.fault(member.name, "not read", str(error))
                continue
            taken += 1
    if not taken:
        raise NotAnArchiveError("the WACZ holds no WARC under archive/ that can be read")
    for address in listed or ():
        if address not in shown:
            findings.fault(address[:300], "listed page not found", _NOT_FOUND)
    findings.verdict(judged.verdict or VerdictWord.DAMAGED)


def _read_member(
    findings: Findings, path: Path, listed: Mapping[str, ListedPage] | None, *, packed: bool
) -> frozenset[str]:
    """Read one WARC of the package; return the addresses under which its pages are shown.

    :param packed: several records stand in one packed member; a copy has them one by one
    :raises NotAnArchiveError: it is no WARC
    """
    made_by = "unpacked from the WACZ, bytes unchanged"
    name = path.name.partition("-")[2]
    if packed:
        copy = recompress_warc(Original(path, name, file_sha256(path)), findings.work).path
        path.unlink()
        path, made_by = copy, f"{made_by}; records packed one by one"
    read = read_warc(
        findings, path, name=name, stored=path.name, listed=listed, made_by=made_by,
        faults_told=False, own=1 if packed else 0,
    )  # fmt: skip
    return frozenset(read.shown)


def read_zip(findings: Findings, original: Original) -> None:
    """Unpack a ZIP of files that can be imported; each is then an import of its own.

    :raises NotAnArchiveError: it is no ZIP, or nothing in it can be imported
    :raises UnsafePackageError: it could harm or mislead a reader
    """
    taken = 0
    with Package(original.path) as package:
        for hidden in package.unnamed:
            findings.fault(
                f"byte {hidden.offset}",
                FaultKind.HIDDEN_BYTES,
                f"{hidden.length} bytes that no entry of the ZIP names are not imported",
            )
        for member in package.members:
            if _is_litter(member.name):
                continue
            if taken >= _MOST_FILES:
                findings.fault(member.name, "not unpacked", f"more than {_MOST_FILES} files")
                continue
            target = findings.work / f"member-{taken}"
            try:
                package.copy(member, target)
                kind = sniff(target, member.name)
            except (DamagedMemberError, NotAnArchiveError) as error:
                target.unlink(missing_ok=True)
                findings.fault(member.name, "not imported", str(error))
                continue
            if kind is FileKind.ZIP:
                target.unlink()
                findings.fault(member.name, "not imported", "a ZIP inside a ZIP; unpack it first")
                continue
            findings.member(member.name, target)
            taken += 1
    if not taken:
        raise NotAnArchiveError("the ZIP holds nothing that can be imported")


def _signed(signature: Signature) -> str:
    """Say the verdicts on a signature and its signer in words; unknown is never good."""
    if signature.state is SignatureState.NONE:
        return "The package is not signed: it proves nothing about who made it."
    by = f" by {signature.signer}" if signature.signer else ""
    told = f"Signature{by}: {signature.state.value}; signer: {signature.identity.value}."
    return f"{told} {signature.reason}".strip()


def _is_litter(name: str) -> bool:
    pure = PurePosixPath(name)
    return pure.parts[0] == "__MACOSX" or pure.name in {".DS_Store", "Thumbs.db", "desktop.ini"}


def _about(findings: Findings, package: Package) -> None:
    member = package.find("datapackage.json")
    if member is None:
        findings.remark("The package has no datapackage.json: nothing states its digests.")
        return
    try:
        stated = json.loads(package.read(member, limit=_PACKAGE))
    except (DamagedMemberError, ValueError, RecursionError) as error:
        findings.fault("datapackage.json", "not read", str(error))
        return
    if isinstance(stated, dict) and isinstance(stated.get("software"), str):
        findings.writer(stated["software"])


def _listed_pages(findings: Findings, package: Package) -> Mapping[str, ListedPage] | None:
    """Return the pages listed, by address; None where the package lists none.

    `extraPages.jsonl` names pages a crawl met beside those asked for; they are listed too.
    """
    found: dict[str, ListedPage] = {}
    for name in ("pages/pages.jsonl", "pages/extraPages.jsonl"):
        member = package.find(name)
        if member is None:
            continue
        try:
            for line in _json_lines(package, member):
                if line is None:
                    findings.fault(name, "not read", "a line of the list of pages is no JSON")
                    continue
                url = line.get("url")
                if isinstance(url, str):
                    at, title = line.get("ts"), line.get("title")
                    found[_as_recorded(url)] = ListedPage(
                        url, at if isinstance(at, str) else None, str(title or "")[:2000]
                    )
        except DamagedMemberError as error:
            findings.fault(name, "not read whole", str(error))
    return found or None


def _as_recorded(url: str) -> str:
    """Return a listed address as records write it: no fragment, a path of at least `/`."""
    bare = url.partition("#")[0]
    return f"{bare}/" if bare.count("/") == 2 and "?" not in bare else bare


def _json_lines(package: Package, member: Member) -> Iterator[dict[str, Any] | None]:
    """Yield the object of each line; None for a line that holds none.

    :raises DamagedMemberError: the list is damaged, or too large
    """
    if member.size > _PAGES:
        raise DamagedMemberError(f"it has {member.size} bytes; at most {_PAGES} are read")
    held = bytearray()
    for piece in package.pieces(member):
        held += piece
        *lines, rest = held.split(b"\n")
        held = bytearray(rest)
        for line in lines:
            yield from _one(bytes(line))
        if len(held) > _LONGEST_LINE:
            raise DamagedMemberError(f"a line has more than {_LONGEST_LINE} bytes")
    yield from _one(bytes(held))


def _one(line: bytes) -> Iterator[dict[str, Any] | None]:
    if not line.strip():
        return
    try:
        stored = json.loads(line)
    except (ValueError, RecursionError):
        stored = None
    yield stored if isinstance(stored, dict) else None
