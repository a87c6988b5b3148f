"""The verdict on whatever can be verified: WARC, ARC, WACZ, a capture's folder, a home.

Needs neither a home nor a database, and nothing of the web application (archive.md §4).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from archive import parallel
from archive.errors import DamagedRecordError, NotAnArchiveError, UnsafePackageError
from archive.reader import read_block, walk
from archive.record import Fault, FaultKind, Record
from archive.store import MANIFEST_NAME, WARC_NAME
from archive.verdict import MOST_IDS, Tally, Verdict, VerdictWord, judge
from archive.wacz.directory import LOCAL_MAGIC
from archive.wacz.judging import judge_package
from archive.wacz.trust import Trust

__all__ = ["Verdict", "VerdictWord", "judge", "verify_any", "verify_file", "verify_paths"]

_NAMES: Final = (".warc", ".warc.gz", ".warc.zst", ".arc", ".arc.gz", ".wacz")
REDACTED_FROM: Final = "Holdfast-Redacted-From"  # as archive/redact.py writes it
_LARGEST_PROVENANCE: Final = 64 << 20  # bytes
_ASIDE: Final = frozenset({"tmp", "cache", "index", "quarantine"})  # no evidence stands there


def verify_file(path: Path, *, processes: int = 1) -> Verdict:
    """Walk a whole WARC or ARC file and judge it.

    :param processes: how many may read a large one at the same time
    :raises NotAnArchiveError: it is none at all
    """
    if processes > 1 and path.stat().st_size >= parallel.WORTH_IT:
        tally = parallel.tally_in_parts(path, processes)
        if tally is not None:
            return _with_provenance(path, tally)
    tally = Tally()
    tally.take(walk(path))
    return _with_provenance(path, tally)


def _with_provenance(path: Path, tally: Tally) -> Verdict:
    """Compare a capture written here with the records its own last record lists.

    A record taken out whole leaves no trace in a WARC but this one.
    """
    if tally.provenance is not None and len(tally.ids) < MOST_IDS:
        try:
            _, block = read_block(path, tally.provenance, limit=_LARGEST_PROVENANCE)
            listed = [str(one["id"]) for one in json.loads(block).get("records", [])]
        except (DamagedRecordError, ValueError, KeyError, TypeError, AttributeError) as error:
            listed = []
            detail = f"the capture's list of its records cannot be read: {error!r}"
            tally.faults.append(Fault(FaultKind.BAD_LIST, tally.provenance.offset, 0, detail))
        missing = set(listed) - set(tally.ids)
        if missing:  # a redacted copy names the records that its own were made of
            missing -= {one.header(REDACTED_FROM) for one in walk(path) if isinstance(one, Record)}
        for one in listed:
            if one in missing:
                detail = "the capture lists it, and it is not there"
                tally.faults.append(Fault(FaultKind.MISSING_RECORD, 0, 0, detail, one))
    return tally.verdict(path)


def verify_any(path: Path, trust: Trust | None = None, *, processes: int = 1) -> Verdict:
    """Judge one file, whatever it is; what cannot be opened is refused by name."""
    try:
        with path.open("rb") as file:
            packed = file.read(4) == LOCAL_MAGIC
        if packed:
            return judge_package(path, trust or Trust())
        return verify_file(path, processes=processes)
    except NotAnArchiveError as error:
        return _refused(path, FaultKind.NO_ARCHIVE, str(error))
    except UnsafePackageError as error:
        return _refused(path, FaultKind.UNSAFE, str(error))
    except OSError as error:
        return _refused(path, FaultKind.NO_ARCHIVE, f"it cannot be read: {error.strerror}")


def verify_paths(
    path: Path, trust: Trust | None = None, *, processes: int = 1
) -> Iterator[Verdict]:
    """Judge a file, a capture's folder, or everything in a folder or home.

    A home's captures are compared with their manifests, its imports with the SHA-256 their
    folders are named by; both hold without the database.
    """
    if not path.is_dir():
        yield verify_any(path, trust, processes=processes)
        return
    found = False
    for one in _evidence(path):
        found = True
        if one.name == WARC_NAME:
            yield _with_manifest(one, verify_any(one, trust))
        elif one.name == "original":
            yield _imported(one, trust)
        else:
            yield verify_any(one, trust, processes=processes)
    if not found:
        yield _refused(path, FaultKind.NO_ARCHIVE, "the folder holds nothing that can be verified")


def _evidence(folder: Path) -> Iterator[Path]:
    for one in sorted(folder.iterdir()):
        if one.is_symlink():
            continue
        if one.is_dir():
            if one.name not in _ASIDE:
                yield from _evidence(one)
        elif one.name.lower().endswith(_NAMES) or _is_original(one):
            yield one
    # A capture whose WARC is gone still has its manifest.
    if (folder / MANIFEST_NAME).exists() and not (folder / WARC_NAME).exists():
        yield folder / WARC_NAME


def _is_original(path: Path) -> bool:
    return path.name == "original" and len(path.parent.name) == 64  # hex digits of a SHA-256


def _with_manifest(path: Path, verdict: Verdict) -> Verdict:
    """Compare a capture's WARC with the manifest written beside it."""
    manifest = path.parent / MANIFEST_NAME
    try:
        said = json.loads(manifest.read_bytes())
        listed = {str(one["name"]): one for one in said["files"]}
        wanted = listed.get(path.name)
        records = said["records"]
    except FileNotFoundError:
        return _and(verdict, FaultKind.BAD_LIST, f"no {MANIFEST_NAME} stands beside it")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return _and(verdict, FaultKind.BAD_LIST, f"{MANIFEST_NAME} cannot be read: {error!r}")
    if not path.exists():
        if not listed:  # nothing was recorded, as when the guard refused
            return Verdict(manifest, VerdictWord.INTACT, 0, ())
        return _refused(
            path, FaultKind.LISTED_MISSING, f"{MANIFEST_NAME} lists it; it is not there"
        )
    if wanted is None:
        return _and(verdict, FaultKind.NOT_LISTED, f"{MANIFEST_NAME} does not list it")
    found = _sha256(path)
    if found != wanted.get("sha256"):
        detail = f"it is not the file {MANIFEST_NAME} lists"
        verdict = _and(verdict, FaultKind.FILE_DIGEST, detail, str(wanted.get("sha256")), found)
    if verdict.records != records:
        detail = f"{MANIFEST_NAME} counts {records} records, {verdict.records} can be read"
        verdict = _and(
            verdict, FaultKind.MISSING_RECORD, detail, str(records), str(verdict.records)
        )
    return verdict


def _imported(path: Path, trust: Trust | None) -> Verdict:
    """Judge an imported original: it is what its folder's name says, and an archive or not."""
    found = _sha256(path)
    verdict = verify_any(path, trust)
    if verdict.verdict is None and verdict.faults[0].kind is FaultKind.NO_ARCHIVE:
        verdict = Verdict(path, VerdictWord.INTACT, 0, ())  # a PDF, a picture: its digest holds it
    if found != path.parent.name:
        detail = "its bytes are not those that were imported"
        return _and(verdict, FaultKind.FILE_DIGEST, detail, path.parent.name, found)
    return verdict


def _and(
    verdict: Verdict,
    kind: FaultKind,
    detail: str,
    expected: str | None = None,
    found: str | None = None,
) -> Verdict:
    """Add a fault that shows that stored bytes are not those that were stored."""
    faults = (*verdict.faults, Fault(kind, 0, 0, detail, None, expected, found))
    word = VerdictWord.DAMAGED if verdict.verdict is not None else None
    if verdict.verdict is VerdictWord.TRUNCATED:
        word = VerdictWord.TRUNCATED
    return Verdict(verdict.path, word, verdict.records, faults, verdict.signature)


def _refused(path: Path, kind: FaultKind, detail: str) -> Verdict:
    return Verdict(path, None, 0, (Fault(kind, 0, 0, detail),))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
