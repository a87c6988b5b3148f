"""Writes what the http engine received into the capture's WARC."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

from archive.capture.attachments import (
    Attachments,
    PageRequest,
    provenance,
    software_version,
)
from archive.capture.classify import Judgement
from archive.capture.http_chain import Chain
from archive.capture.http_page import MainPage
from archive.capture.http_wire import Fetched
from archive.capture.job import CaptureJob
from archive.capture.media import Media
from archive.capture.network import GuardEntry
from archive.clock import utc_now
from archive.digest import Digest
from archive.writer import CaptureWriter, WarcSummary


@dataclass(frozen=True, slots=True)
class Visit:
    """All that came of one visit; `main` has at least one hop."""

    main: Chain
    page: MainPage
    parts: tuple[Chain, ...]
    parts_left_out: int
    judgement: Judgement
    guard: tuple[GuardEntry, ...]
    started_at: datetime
    finished_at: datetime

    @property
    def response(self) -> Fetched:
        """The last response of the main chain: the page itself, or the last redirect."""
        return self.main.hops[-1]


def record(job: CaptureJob, visit: Visit, media: Media) -> WarcSummary:
    """Write exchanges, attachments and provenance; nothing is left behind on failure.

    :raises StoreError: the disk refused
    """
    writer = CaptureWriter(
        job.warc_path,
        capture_id=job.capture_id,
        software=f"{software_version()} (http engine)",
        instance=job.instance,
        description="Bodies as received, transfer and content codings kept.",
    )
    with ExitStack() as undo:
        undo.callback(writer.abandon)
        summary = _Writing(job, visit, media, writer).run()
        undo.pop_all()
    return summary


class _Writing:
    """One WARC being written."""

    def __init__(self, job: CaptureJob, visit: Visit, media: Media, writer: CaptureWriter) -> None:
        self.job, self.visit, self.media, self.writer = job, visit, media, writer
        self.ledger: list[PageRequest] = []
        self.entity_digests: dict[str, str] = {}
        self.odd_heads: list[tuple[str, Fetched]] = []

    def run(self) -> WarcSummary:
        main_record = self.chain(self.visit.main)
        for part in self.visit.parts:
            self.chain(part)
        url = self.visit.response.address.target
        notes = self.attach(Attachments(self.writer, url, main_record))
        return self.writer.finish(notes, target=url)

    def chain(self, chain: Chain) -> str | None:
        """Write every hop; give the record id of the last."""
        record_id: str | None = None
        for hop in chain.hops:
            record_id = self.writer.exchange(hop.exchange)
            if hop.copied.entity_sha256 is not None:
                self.entity_digests[record_id] = str(Digest("sha256", hop.copied.entity_sha256))
            if not hop.head.exact:
                self.odd_heads.append((record_id, hop))
            self.ledger.append(_line(chain, hop, record_id))
        if chain.failure is not None:
            self.ledger.append(
                PageRequest(
                    chain.asked.target,
                    chain.resource_type,
                    chain.started_at,
                    error=f"{chain.failure.outcome}: {chain.failure.reason}",
                )
            )
        return record_id

    def attach(self, attachments: Attachments) -> Mapping[str, object]:
        """Write the attachments; give the provenance."""
        visit, at = self.visit, utc_now()
        attachments.page_info(self.ledger, at=at)
        attachments.text(visit.page.text, at=at)
        tls = visit.response.tls
        if tls is not None:
            attachments.certificates(visit.response.address.host, tls.chain, at=at)
        if self.odd_heads:
            heads = {key: hop.head.raw.decode("latin-1") for key, hop in self.odd_heads}
            attachments.json("heads", heads, at=at)
        media = self.media.write(attachments)
        return provenance(
            self.job,
            visit.judgement,
            engine="http",
            software={},
            urls=[hop.address.target for hop in visit.main.hops],
            started_at=visit.started_at,
            finished_at=visit.finished_at,
            guard=visit.guard + self.media.guard,
            transformations=self.transformations(),
            further={
                "tls": tls and {"version": tls.version, "cipher": tls.cipher},
                "entity_digests": self.entity_digests,
                "text_version": visit.page.rendition,
                "body_problem": visit.page.problem,
                "parts_left_out": visit.parts_left_out,
                "media": media,
            },
        )

    def transformations(self) -> list[str]:
        """What differs between the wire and the records."""
        made = ["Bodies are the bytes received, chunk framing and compression included."]
        if self.odd_heads:
            made.append(
                f"{len(self.odd_heads)} response heads are re-spelled as lines of 'Name: value'; "
                "their exact bytes, read as ISO 8859-1, stand in urn:heads."
            )
        return made


def _line(chain: Chain, hop: Fetched, record_id: str) -> PageRequest:
    cut = hop.copied.truncated
    return PageRequest(
        hop.address.target,
        chain.resource_type,
        hop.exchange.started_at,
        status=hop.head.status,
        size=hop.copied.length,
        error=f"truncated: {cut}" if cut else None,
        record_id=record_id,
    )
