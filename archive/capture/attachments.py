"""What a capture writes beside the exchanges, the same for every engine (archive.md section 1).

Everything comes in as plain values. No person, host name or command line is among them: a
WARC cannot be changed later (decisions.md 21).
"""

from __future__ import annotations

import json
import platform
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib import metadata
from typing import BinaryIO, Final
from urllib.parse import quote

from archive.capture.classify import Judgement
from archive.capture.job import CaptureJob
from archive.capture.network import REFUSALS, GuardEntry
from archive.clock import isoformat
from archive.writer import CaptureWriter

URI_SAFE: Final = "!#$%&'()*+,/:;=?@[]~"  # RFC 3986 reserved characters, and % as it stands


def software_version() -> str:
    """Name and version of this program, or its name alone where it is not installed."""
    try:
        return f"Holdfast/{metadata.version('holdfast')}"
    except metadata.PackageNotFoundError:
        return "Holdfast"


def attachment_uri(kind: str, url: str) -> str:
    """The target of an attachment.

    >>> attachment_uri("text", "http://example.org/ä")
    'urn:text:http://example.org/%C3%A4'
    """
    return f"urn:{kind}:{quote(url, safe=URI_SAFE)}"


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One line of the loss ledger: a request the page made, recorded or not."""

    url: str
    resource_type: str
    at: datetime
    method: str = "GET"
    status: int | None = None
    """None where no response came."""
    size: int | None = None
    """Bytes of the body as kept."""
    error: str | None = None
    """Why it did not come, or not whole."""
    record_id: str | None = None
    """The response record; None where nothing is recorded."""
    source: str = "network"
    """network, cache, service-worker, or nowhere."""
    initiator: str | None = None
    """What made the page ask: parser, script, preflight, other…"""
    hindered: str | None = None
    """Why the page could not use what came."""
    truncated: str | None = None
    """As in WARC-Truncated."""


@dataclass(frozen=True, slots=True)
class Attachments:
    """Writes resource records that belong to the main response of one capture."""

    writer: CaptureWriter
    url: str
    """Of the main response."""
    main_record: str | None
    """Record id of the main response, for WARC-Concurrent-To."""

    def page_info(
        self, requests: Sequence[PageRequest], *, at: datetime, unseen: Sequence[str] = ()
    ) -> str:
        """The loss ledger: every request with type, status, bytes, error."""
        lines = [
            {
                "url": request.url,
                "type": request.resource_type,
                "method": request.method,
                "at": isoformat(request.at),
                "status": request.status,
                "bytes": request.size,
                "error": request.error,
                "record": request.record_id,
                "source": request.source if request.status is not None else "nowhere",
                "initiator": request.initiator,
                "hindered": request.hindered,
                "truncated": request.truncated,
            }
            for request in requests
        ]
        missing = sum(request.record_id is None for request in requests)
        body = {
            "page": self.url,
            "requests": lines,
            "total": len(lines),
            "unrecorded": missing,
            "unseen": list(unseen),
        }
        return self.json("pageinfo", body, at=at)

    def text(self, text: str, *, at: datetime) -> str:
        """The rendition of the page as words."""
        return self._put("text", "text/plain; charset=utf-8", text.encode(), at)

    def view(self, png: bytes, *, at: datetime) -> str:
        """A picture of the first screen."""
        return self._put("view", "image/png", png, at)

    def full_page(self, png: bytes, *, at: datetime, tile: int = 0) -> str:
        """A picture of the whole page, or its tile number `tile`, counted from 0."""
        return self._put("fullPage", "image/png", png, at, suffix=f"#tile={tile}" if tile else "")

    def mhtml(self, snapshot: bytes, *, at: datetime) -> str:
        """The document as the browser held it, with what it refers to (RFC 2557)."""
        return self._put("mhtml", "multipart/related", snapshot, at)

    def pdf(self, document: bytes, *, at: datetime) -> str:
        """The page as printed."""
        return self._put("pdf", "application/pdf", document, at)

    def certificates(self, host: str, chain: Sequence[bytes], *, at: datetime) -> str:
        """The chain the host sent on the connection of the main response, as PEM (RFC 8555 9.1).

        :param chain: DER, the host's own first
        """
        pem = "".join(ssl.DER_cert_to_PEM_cert(one) for one in chain)
        return self.writer.resource(
            attachment_uri("cert", host),
            "application/pem-certificate-chain",
            pem.encode("ascii"),
            at=at,
            concurrent_to=self.main_record,
        )

    def media(self, number: int, content_type: str, file: BinaryIO, *, at: datetime) -> str:
        """A film or sound of the page, as media.py fetched it; `number` counts from 1."""
        return self.writer.resource_file(
            f"{attachment_uri('media', self.url)}#{number}",
            content_type,
            file,
            at=at,
            concurrent_to=self.main_record,
        )

    def json(self, kind: str, value: Mapping[str, object], *, at: datetime) -> str:
        """Any further structured attachment, as ``urn:<kind>:<url>``."""
        body = json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1).encode()
        return self._put(kind, "application/json", body, at)

    def about(self, kind: str, url: str, value: Mapping[str, object], *, at: datetime) -> str:
        """A structured attachment about another address than the page's."""
        body = json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1).encode()
        return self.writer.resource(
            attachment_uri(kind, url),
            "application/json",
            body,
            at=at,
            concurrent_to=self.main_record,
        )

    def _put(
        self, kind: str, content_type: str, body: bytes, at: datetime, suffix: str = ""
    ) -> str:
        return self.writer.resource(
            attachment_uri(kind, self.url) + suffix,
            content_type,
            body,
            at=at,
            concurrent_to=self.main_record,
        )


def provenance(
    job: CaptureJob,
    judgement: Judgement,
    *,
    engine: str,
    software: Mapping[str, str],
    urls: Sequence[str],
    started_at: datetime,
    finished_at: datetime,
    guard: Sequence[GuardEntry],
    transformations: Sequence[str],
    further: Mapping[str, object],
) -> dict[str, object]:
    """How this capture came about; the writer adds the list of records and their digests.

    :param software: version by name (engine, browser, libraries that decide about bytes)
    :param urls: the addresses that answered with a redirect, in order, then the final one
    :param transformations: what was done to payloads or to the page, one sentence each
    :param further: of this engine alone, as "tls" or "entity_digests"
    """
    return {
        "capture": job.capture_id,
        "requested_url": job.address.exact,
        "redirects": list(urls[:-1]),
        "final_url": urls[-1] if urls else None,
        "started_at": isoformat(started_at),
        "finished_at": isoformat(finished_at),
        "clock": {"source": "operating system", "offset_seconds": None},
        "operator": job.operator,
        "instance": job.instance,
        "reason": job.reason,
        "outcome": judgement.outcome.value,
        "outcome_reason": judgement.reason,
        "outcome_phrases_version": job.phrases.version,
        "engine": engine,
        "software": {"holdfast": software_version(), "python": platform.python_version()}
        | dict(software),
        "os_family": platform.system(),
        "options": asdict(job.options),
        "guard_refusals": [one.as_json() for one in guard if one.outcome in REFUSALS],
        "connections": [entry.as_json() for entry in guard],
        "way_out": "proxy" if job.policy.egress is not None else "direct",
        "session": job.session.id if job.session is not None else None,
        "transformations": list(transformations),
        **further,
    }
