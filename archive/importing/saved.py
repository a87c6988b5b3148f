"""Saved pages: HTML (SingleFile, “save as”, Save Page WE) and MHTML, with what they claim.

The file's bytes stand in the derived WARC as a resource; address and date are read from what the
saving program left in it and are claims of the file, each with the place it comes from.
"""

from __future__ import annotations

import email
import email.policy
import email.utils
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from email.errors import (
    CloseBoundaryNotFoundDefect,
    MessageDefect,
    StartBoundaryNotFoundDefect,
)
from email.message import EmailMessage, Message
from typing import Final

from archive.capture.outcome import Outcome
from archive.clock import parse_instant
from archive.content import decode_text
from archive.errors import NotAnArchiveError
from archive.importing.derive import Derived, Original
from archive.importing.found import Basis, Findings, FoundPage, PageKind, written
from archive.importing.reading import Content, is_html, partial, with_words
from archive.text import parse_html
from archive.verdict import VerdictWord

LARGEST: Final = 300_000_000  # bytes of a saved page, which is read whole
_HEAD: Final = 20_000  # characters in which programs leave their mark
_SINGLEFILE_URL: Final = re.compile(r"Page saved with SingleFile\s+url:\s*(\S+)")
_SINGLEFILE_DATE: Final = re.compile(
    r"saved date:\s*\w{3} (\w{3}) (\d{1,2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT([+-])(\d{2})(\d{2})"
)
_SAVED_FROM: Final = re.compile(r"<!--\s*saved from url=\(\d+\)(\S+?)\s*-->", re.IGNORECASE)
_HTTRACK: Final = re.compile(r"<!--\s*Mirrored from (\S+) by HTTrack[^>]*?, ([^>]+?)\s*-->")
_CUT_OFF: Final = "the file is not whole: it is cut off or damaged"
_DEFECTS: Final[Mapping[type[MessageDefect], str]] = {
    CloseBoundaryNotFoundDefect: "the file ends before its last part does: it is cut off",
    StartBoundaryNotFoundDefect: "the parts it announces are not there",
}
_MONTHS: Final = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_WEB: Final = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class Claim:
    """Something a file says of itself, and where in it that stands."""

    value: str
    place: str


@dataclass(frozen=True, slots=True)
class Claims:
    """Address and time a saved page claims, and the program that it says saved it."""

    address: Claim | None = None
    moment: datetime | None = None
    program: str = ""


def read_html(findings: Findings, original: Original) -> None:
    """Read a saved page.

    :raises NotAnArchiveError: it is too large to be read whole
    """
    data = _whole(original)
    markup = decode_text(data, "")
    claims = claims_of(markup)
    if claims.program:
        findings.writer(claims.program)
    target = claims.address.value if claims.address else original.urn
    with Derived(findings, original, "html", "the file as it is, as one resource") as derived:
        record = derived.resource(target, "text/html", data, at=claims.moment)
        derived.finish(target=target)
        page = _page(derived, record, claims)
    findings.page(with_words(page, Content(data, "text/html")))
    findings.remark(
        "A saved page shows what somebody's program kept of a page; address and date are what the "
        "file says. There is no record of what the server sent."
    )
    findings.verdict(VerdictWord.INTACT_WITHOUT_DIGESTS)


def read_mhtml(findings: Findings, original: Original) -> None:
    """Read an MHTML page (RFC 2557): the document and its parts.

    :raises NotAnArchiveError: it has no document, or is too large to be read whole
    """
    data = _whole(original)
    message = email.message_from_bytes(data, policy=email.policy.default)
    parts = [part for part in message.walk() if isinstance(part, EmailMessage)]
    parts = [part for part in parts if not part.is_multipart()]
    document = next((part for part in parts if is_html(part.get_content_type())), None)
    if document is None:
        raise NotAnArchiveError("the MHTML file has no HTML part")
    claims = _mhtml_claims(message, document)
    findings.writer(claims.program)
    broken = _broken(findings, message)
    target = claims.address.value if claims.address else original.urn
    body = _bytes(document)
    kind = str(document.get("Content-Type") or "text/html")
    with Derived(findings, original, "mhtml", "its parts decoded, each a resource") as derived:
        record = derived.resource(target, kind, body, at=claims.moment)
        derived.resource(
            f"urn:mhtml:{target}", "multipart/related", data, at=claims.moment, concurrent_to=record
        )
        lost = _write_parts(derived, parts, document, claims.moment, record)
        derived.finish(target=target, lacks={"parts without a place": lost})
        page = _page(derived, record, claims)
    page = with_words(page, Content(body, kind))
    findings.page(partial(page, _CUT_OFF) if broken else page)
    findings.remark(
        "An MHTML file is a browser's snapshot of a page after its scripts ran; address and date "
        "are what the file says. There is no record of what the server sent."
    )
    if lost:
        findings.remark(f"{lost} parts say no address of their own and are only in the original.")
    findings.verdict(VerdictWord.DAMAGED if broken else VerdictWord.INTACT_WITHOUT_DIGESTS)


def _broken(findings: Findings, message: EmailMessage) -> bool:
    """Tell every defect of the message and its parts; return whether there is one."""
    told = False
    for number, part in enumerate(message.walk()):
        _bytes(part)  # what is wrong with a body is found by decoding it
        for defect in part.defects:
            told = True
            findings.fault(f"part {number}", "not whole", _DEFECTS.get(type(defect), str(defect)))
    return told


def claims_of(markup: str) -> Claims:
    """Read what the program that saved a page left in it; the most exact place first."""
    head = markup[:_HEAD]
    single = _SINGLEFILE_URL.search(head)
    if single:
        address = _web(single[1], "SingleFile comment")
        return Claims(address or _declared(markup), _singlefile_date(head), "SingleFile")
    saved = _SAVED_FROM.search(head)
    if saved:
        address = _web(saved[1], "“saved from” comment")
        return Claims(address or _declared(markup), None, "a browser")
    mirrored = _HTTRACK.search(head)
    if mirrored:
        address = _web(f"http://{mirrored[1]}", "HTTrack comment")
        return Claims(address, _http_date(mirrored[2]), "HTTrack")
    return Claims(*_metas(markup)) if "savepage-" in head else Claims(_declared(markup))


def _metas(markup: str) -> tuple[Claim | None, datetime | None, str]:
    """Read what Save Page WE writes into meta elements."""
    tree = parse_html(markup)
    said = {
        (meta.get("name") or "").lower(): meta.get("content") or ""
        for meta in (tree.iter("meta") if tree is not None else ())
    }
    address = _web(said.get("savepage-url", ""), "meta savepage-url")
    return address, _singlefile_date(f"saved date: {said.get('savepage-date', '')}"), "Save Page WE"


def _declared(markup: str) -> Claim | None:
    """Read the address a page declares for itself: canonical link, og:url."""
    tree = parse_html(markup)
    if tree is None:
        return None
    for link in tree.iter("link"):
        if "canonical" in (link.get("rel") or "").lower().split():
            return _web(link.get("href") or "", "canonical link")
    for meta in tree.iter("meta"):
        if (meta.get("property") or "").lower() == "og:url":
            return _web(meta.get("content") or "", "meta og:url")
    return None


def _web(text: str, place: str) -> Claim | None:
    address = text.strip().strip("\"'")
    return Claim(address, place) if address.lower().startswith(_WEB) else None


def _singlefile_date(head: str) -> datetime | None:
    match = _SINGLEFILE_DATE.search(head)
    if match is None:
        return None
    month, day, year, hour, minute, second, sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
    try:
        return datetime(
            int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second),
            tzinfo=timezone(offset),
        )  # fmt: skip
    except ValueError:
        return None


def _http_date(text: str) -> datetime | None:
    """Read an e-mail or HTTP date (RFC 5322); one without a zone says no instant."""
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    if moment.tzinfo is None:
        return None
    return moment.astimezone(UTC) if "-0000" not in text else None


def _mhtml_claims(message: EmailMessage, document: EmailMessage) -> Claims:
    address = None
    for field, holder in (
        ("Snapshot-Content-Location", message),
        ("Content-Location", document),
        ("Content-Location", message),
    ):
        address = address or _web(str(holder.get(field) or ""), field)
    program = str(message.get("From") or "").strip('<>" ').removeprefix("Saved by ")
    date = str(message.get("Date") or "")
    return Claims(address, _http_date(date) or _iso(date), program)


def _iso(text: str) -> datetime | None:
    try:
        return parse_instant(text)
    except ValueError:
        return None


def _write_parts(
    derived: Derived,
    parts: Sequence[EmailMessage],
    document: EmailMessage,
    moment: datetime | None,
    record: str,
) -> int:
    """Write every other part under its address; return how many have none."""
    lost = 0
    for part in parts:
        if part is document:
            continue
        place = str(part.get("Content-Location") or "").strip()
        identifier = str(part.get("Content-ID") or "").strip("<> ")
        uri = place or (f"cid:{identifier}" if identifier else "")
        if not uri:
            lost += 1
            continue
        kind = str(part.get("Content-Type") or "application/octet-stream")
        derived.resource(uri, kind, _bytes(part), at=moment, concurrent_to=record)
    return lost


def _page(derived: Derived, record: str, claims: Claims) -> FoundPage:
    ref = derived.placed[record]
    return FoundPage(
        warc=0,
        kind=PageKind.PAGE,
        address=claims.address.value if claims.address else None,
        address_basis=Basis.CLAIMED if claims.address else Basis.IMPORT,
        address_from=claims.address.place if claims.address else "",
        captured_at=written(claims.moment),
        time_basis=Basis.CLAIMED if claims.moment else Basis.IMPORT,
        outcome=Outcome.COMPLETE,
        reason="",
        status=None,
        offset=ref.offset,
        length=ref.length,
        record_id=record,
        payload_digest=None,
    )


def _whole(original: Original) -> bytes:
    if original.path.stat().st_size > LARGEST:
        raise NotAnArchiveError(f"the page has more than {LARGEST // 1_000_000} MB")
    return original.path.read_bytes()


def _bytes(part: Message) -> bytes:
    body = part.get_payload(decode=True)
    return body if isinstance(body, bytes) else b""
