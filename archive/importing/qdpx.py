"""Projects of programs for qualitative analysis (REFI-QDA): their texts, each as a page.

What was coded in them is applied by annotate/ when the texts are taken; here they become
resources of a derived WARC, so that each text stands under the digest of its own bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from archive.capture.outcome import Outcome
from archive.clock import parse_instant
from archive.importing.derive import Derived, Original
from archive.importing.found import Basis, Findings, FoundPage, PageKind, written
from archive.importing.refi import Project, Source, read_project
from archive.verdict import VerdictWord

TEXT_VERSION: Final = "holdfast-plain/1"
_BODY: Final = 5000  # characters handed on for telling the language


def read_qdpx(findings: Findings, original: Original) -> None:
    """Read a project: a page for each text it holds, and in words what else is in it.

    :raises NotAnArchiveError: it is no REFI-QDA project
    :raises UnsafePackageError: its zip could harm or mislead a reader
    """
    project = read_project(original.path)
    findings.writer(project.origin)
    sources = project.with_text()
    if sources:
        _take(findings, original, project, sources)
    for remark in remarks(project):
        findings.remark(remark)
    findings.verdict(VerdictWord.INTACT_WITHOUT_DIGESTS)


def remarks(project: Project) -> list[str]:
    """Say what a project holds, what of it is taken, and what is not."""
    codings = sum(
        len(one.codings) + sum(len(part.codings) for part in one.selections)
        for one in project.with_text()
    )
    selections = sum(len(one.selections) for one in project.with_text())
    told = [
        (
            f"A project of another program ({project.origin or 'it does not say which'}), in the "
            f"exchange form REFI-QDA: {_many(len(project.all_codes()), 'code')}, "
            f"{_many(len(project.sources), 'text')}, {_many(selections, 'selection')} and "
            f"{_many(codings, 'coding')} in texts that are in the file, "
            f"{_many(len(project.notes), 'note')}, "
            f"{_many(len(project.users), 'person', 'people')}."
        ),
        (
            "Taking it adds its codes as a draft codebook, its selections as highlights, and its "
            "codings as codings made elsewhere: under their coders' names, in no round, and in "
            "no count of agreement. What was taken before is not taken again."
        ),
    ]
    lacking = len(project.sources) - len(project.with_text())
    if lacking:
        told.append(
            f"The words of {_many(lacking, 'text')} are not in the file; what was marked in them "
            "is not taken. Export the project again with its sources to have them."
        )
    if project.left_out:
        listed = ", ".join(f"{number} {name}" for name, number in sorted(project.left_out.items()))
        told.append(f"Not taken, since there is no place for it here: {listed}.")
    return told


def _many(number: int, one: str, several: str = "") -> str:
    return f"{number} {one if number == 1 else several or one + 's'}"


def _take(
    findings: Findings, original: Original, project: Project, sources: tuple[Source, ...]
) -> None:
    transformation = "each text of the project as one resource, in UTF-8"
    with Derived(findings, original, "qdpx", transformation) as derived:
        records = []
        for source in sources:
            data = (source.text or "").encode()
            records.append(derived.resource(_urn(data), "text/plain; charset=utf-8", data))
        number = derived.finish(target=_urn((sources[0].text or "").encode()))
        for source, record in zip(sources, records, strict=True):
            findings.page(_page(derived, number, project, source, record))


def _page(
    derived: Derived, number: int, project: Project, source: Source, record: str
) -> FoundPage:
    text = source.text or ""
    said = _said(project, source.guid)
    address = str(said.get("address") or "")
    moment = _moment(said.get("captured_at"))
    ref = derived.placed[record]
    return FoundPage(
        warc=number,
        kind=PageKind.DOCUMENT,
        address=address or _urn(text.encode()),
        address_basis=Basis.CLAIMED if address else Basis.IMPORT,
        address_from="the project" if address else "",
        captured_at=written(moment),
        time_basis=Basis.CLAIMED if moment else Basis.IMPORT,
        outcome=Outcome.COMPLETE,
        reason="",
        status=None,
        offset=ref.offset,
        length=ref.length,
        record_id=record,
        payload_digest=None,
        title=str(said.get("title") or source.name),
        text=text,
        text_version=TEXT_VERSION,
        body=text[:_BODY],
    )


def _said(project: Project, guid: str) -> Mapping[str, Any]:
    sources = project.own.get("sources")
    said = sources.get(guid) if isinstance(sources, dict) else None
    return said if isinstance(said, dict) else {}


def _moment(text: object) -> datetime | None:
    try:
        return parse_instant(text) if isinstance(text, str) and text else None
    except ValueError:
        return None


def _urn(data: bytes) -> str:
    return f"urn:sha256:{hashlib.sha256(data).hexdigest()}"
