"""The verdict on a WACZ: what it lists against what it holds, both ways, and who signed it.

The reference validator passes a package without a WARC, unlisted files, and a signature over
other content (archive.md §7); each is a fault here.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Final

from archive.errors import DamagedMemberError, NotAnArchiveError
from archive.reader import walk_file
from archive.record import Fault, FaultKind
from archive.verdict import Verdict, judge, judge_walk
from archive.wacz.directory import PackageLimits
from archive.wacz.listing import (
    DIGEST_NAME,
    LIST_LIMIT,
    LIST_NAME,
    STRONG,
    Listing,
    ListingError,
    Resource,
    read_json,
    read_listing,
)
from archive.wacz.package import Member, Package
from archive.wacz.signature import UNSIGNED, Signature
from archive.wacz.signature_check import judge_signature
from archive.wacz.trust import Trust

_WARC_ENDINGS: Final = (".warc", ".warc.gz", ".warc.zst", ".arc", ".arc.gz")
_SELF: Final = frozenset({LIST_NAME, DIGEST_NAME})  # these two list themselves nowhere


def is_warc_member(member: Member) -> bool:
    """Tell whether a member is one of the package's WARCs."""
    return member.name.startswith("archive/") and member.name.lower().endswith(_WARC_ENDINGS)


@contextmanager
def member_file(package: Package, member: Member) -> Iterator[BinaryIO]:
    """Open a member as a file that can be sought in: in place, or from a temporary copy.

    :raises DamagedMemberError: a packed member does not unpack as the zip says
    """
    if member.stored:
        with package.window(member) as window:
            yield window
        return
    with tempfile.TemporaryFile() as copy:
        for piece in package.pieces(member):
            copy.write(piece)
        yield copy


def judge_package(path: Path, trust: Trust, limits: PackageLimits | None = None) -> Verdict:
    """Open a WACZ, check everything it says of itself, and walk its WARCs.

    :raises NotAnArchiveError: it is no zip
    :raises UnsafePackageError: it is not one to open
    """
    with Package(path, limits) as package:
        faults = [
            Fault(FaultKind.HIDDEN_BYTES, one.offset, one.length, "bytes no entry of the zip names")
            for one in package.unnamed
        ]
        listing, found = _listing(package)
        faults += found
        faults += _check_files(package, listing)
        signature, found = _digest_file(package, listing, trust)
        faults += found
        records = 0
        warcs = [one for one in package.members if is_warc_member(one)]
        if not warcs:
            faults.append(_fault(FaultKind.NO_WARC, "nothing under archive/ is a WARC"))
        for member in warcs:
            inner = _walk_member(package, member)
            records += inner.records
            faults += inner.faults
        # The list's digests cover a WARC whole: it need carry none of its own.
        word = judge(faults, undigested=False, ours=signature is not UNSIGNED)
    return Verdict(path, word, records, tuple(faults), signature)


def _fault(
    kind: FaultKind,
    detail: str,
    member: str | None = None,
    expected: str | None = None,
    found: str | None = None,
) -> Fault:
    return Fault(kind, 0, 0, detail, None, expected, found, member)


def _listing(package: Package) -> tuple[Listing | None, list[Fault]]:
    member = package.find(LIST_NAME)
    if member is None:
        return None, [_fault(FaultKind.BAD_LIST, f"the package has no {LIST_NAME}")]
    try:
        return read_listing(package.read(member, limit=LIST_LIMIT)), []
    except ListingError as error:
        return None, [_fault(FaultKind.BAD_LIST, str(error), LIST_NAME)]
    except DamagedMemberError as error:
        return None, [_fault(FaultKind.BAD_MEMBER, str(error), LIST_NAME)]


def _check_files(package: Package, listing: Listing | None) -> Iterator[Fault]:
    """Compare list and content, both ways, and read every file whole."""
    listed = {one.path: one for one in listing.resources} if listing else {}
    for path in listed:
        if package.find(path) is None:
            yield _fault(FaultKind.LISTED_MISSING, f"{path} is listed and not there", path)
    for member in package.members:
        resource = listed.get(member.name)
        if resource is None:
            if member.name not in _SELF and listing is not None:
                yield _fault(
                    FaultKind.NOT_LISTED, f"{member.name} is there and not listed", member.name
                )
            hasher = None
        else:
            known = resource.digest
            hasher = hashlib.new(known.algorithm, usedforsecurity=False) if known else None
        try:
            for piece in package.pieces(member):
                if hasher is not None:
                    hasher.update(piece)
        except DamagedMemberError as error:
            yield _fault(FaultKind.BAD_MEMBER, str(error), member.name)
            continue
        if resource is not None:
            yield from _compare(resource, member, hasher.hexdigest() if hasher else None)


def _compare(resource: Resource, member: Member, found: str | None) -> Iterator[Fault]:
    name = member.name
    if resource.size is not None and resource.size != member.size:
        yield _fault(
            FaultKind.FILE_LENGTH,
            f"{name} has {member.size} bytes, {resource.size} are listed",
            name,
            str(resource.size),
            str(member.size),
        )
    if resource.digest is None:
        said = f"which is {resource.claimed!r}" if resource.claimed else "which is missing"
        yield _fault(FaultKind.NO_DIGEST, f"{name} has no digest that can be checked, {said}", name)
    elif found != resource.digest.hex:
        algorithm = resource.digest.algorithm
        yield _fault(
            FaultKind.FILE_DIGEST,
            f"{name} is listed with another {algorithm}",
            name,
            f"{algorithm}:{resource.digest.hex}",
            f"{algorithm}:{found}",
        )
    elif resource.digest.algorithm not in STRONG:
        yield _fault(
            FaultKind.WEAK_DIGEST,
            f"{name} is listed with {resource.digest.algorithm} only, which can be forged",
            name,
        )


def _digest_file(
    package: Package, listing: Listing | None, trust: Trust
) -> tuple[Signature, list[Fault]]:
    """Check datapackage-digest.json against datapackage.json, and the signature in it."""
    member = package.find(DIGEST_NAME)
    listed = package.find(LIST_NAME)
    if member is None:
        said = f"there is no {DIGEST_NAME}: nothing proves {LIST_NAME} itself"
        return UNSIGNED, [_fault(FaultKind.NO_DIGEST, said)]
    try:
        document: Any = read_json(package.read(member, limit=LIST_LIMIT))
        content = package.read(listed, limit=LIST_LIMIT) if listed else b""
    except ListingError as error:
        return UNSIGNED, [_fault(FaultKind.BAD_LIST, str(error), DIGEST_NAME)]
    except DamagedMemberError as error:
        return UNSIGNED, [_fault(FaultKind.BAD_MEMBER, str(error), DIGEST_NAME)]
    if not isinstance(document, dict):
        return UNSIGNED, [_fault(FaultKind.BAD_LIST, "it is no object", DIGEST_NAME)]
    actual = f"sha256:{hashlib.sha256(content).hexdigest()}"
    faults = []
    if document.get("path") != LIST_NAME:
        said = f"it is about {document.get('path')!r}, not about {LIST_NAME}"
        faults.append(_fault(FaultKind.BAD_LIST, said, DIGEST_NAME))
    claimed = document.get("hash")
    if claimed != actual:
        said = f"{LIST_NAME} is not what {DIGEST_NAME} says"
        faults.append(_fault(FaultKind.FILE_DIGEST, said, LIST_NAME, str(claimed), actual))
    created = listing.created if listing else None
    return judge_signature(document.get("signedData"), actual, created, trust), faults


def _walk_member(package: Package, member: Member) -> Verdict:
    """Walk one WARC of the package; its faults name it."""
    path = Path(member.name)
    try:
        with member_file(package, member) as file:
            inner = judge_walk(path, walk_file(file, member.name))
    except NotAnArchiveError as error:
        return Verdict(path, None, 0, (_fault(FaultKind.NO_ARCHIVE, str(error), member.name),))
    except DamagedMemberError:  # named where every file is read
        return Verdict(path, None, 0, ())
    named = tuple(replace(one, member=member.name) for one in inner.faults)
    return Verdict(path, inner.verdict, inner.records, named)
