"""WACZ and plain ZIP: opened strictly, taken apart member by member."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from archive.errors import DamagedMemberError, NotAnArchiveError
from archive.importing.derive import Original
from archive.importing.found import Findings
from archive.importing.kinds import FileKind, sniff
from archive.importing.warcs import ListedPage, read_warc
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
        taken = 0
        for member in package.members:
            pure = PurePosixPath(member.name)
            if pure.parts[:1] != ("archive",) or not pure.name.lower().endswith(_WARC_ENDINGS):
                continue
            target = findings.work / f"{taken}-{pure.name[-120:]}"
            try:
                package.copy(member, target)
                read_warc(
                    findings, target, name=pure.name, stored=target.name, listed=listed,
                    made_by="unpacked from the WACZ, bytes unchanged", faults_told=False,
                )  # fmt: skip
            except (DamagedMemberError, NotAnArchiveError) as error:
                findings.fault(member.name, "not read", str(error))
                continue
            taken += 1
    if not taken:
        raise NotAnArchiveError("the WACZ holds no WARC under archive/ that can be read")
    findings.verdict(judged.verdict or VerdictWord.DAMAGED)


def read_zip(findings: Findings, original: Original) -> None:
    """Unpack a ZIP of files that can be imported; each is then an import of its own.

    :raises NotAnArchiveError: it is no ZIP, or nothing in it can be imported
    :raises UnsafePackageError: it could harm or mislead a reader
    """
    taken = 0
    with Package(original.path) as package:
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
                url = line.get("url")
                if isinstance(url, str):
                    at, title = line.get("ts"), line.get("title")
                    found[url.partition("#")[0]] = ListedPage(
                        url, at if isinstance(at, str) else None, str(title or "")[:2000]
                    )
        except DamagedMemberError as error:
            findings.fault(name, "not read whole", str(error))
    return found or None


def _json_lines(package: Package, member: Member) -> Iterator[dict[str, Any]]:
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


def _one(line: bytes) -> Iterator[dict[str, Any]]:
    if not line.strip():
        return
    try:
        stored = json.loads(line)
    except (ValueError, RecursionError):
        return
    if isinstance(stored, dict):
        yield stored
