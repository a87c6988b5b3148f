"""Writing a visit into its WARC: exchanges, loss ledger, attachments, provenance."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from urllib.parse import unquote, urlsplit

from archive.capture.attachments import (
    Attachments,
    PageRequest,
    provenance,
    software_version,
)
from archive.capture.browser.exchanges import Recorded
from archive.capture.browser.traffic import Source
from archive.capture.browser.visit import Visit
from archive.capture.classify import Judgement, Seen, judge
from archive.capture.job import CaptureJob
from archive.capture.outcome import Outcome
from archive.clock import utc_now
from archive.page import PageFacts, read_facts
from archive.text import TextRendition, render_text
from archive.writer import CaptureWriter, WarcSummary

ENGINE: Final = "browser"
_TRANSFORMATIONS: Final = (
    "Payloads are as the browser decoded them; Content-Length is that of the payload.",
    "Content-Encoding and Transfer-Encoding stand as X-Archive-Orig-*.",
    "HTTP/2 is written in the syntax of HTTP/1.1; WARC-Protocol says so.",
    "Request headers are in alphabetical order, as the browser tells them.",
    "The agent string is that of the same browser with a window: without the word Headless.",
    "The page was read on as “behaviour” and “done” say; images keep the source the browser chose.",
)
_BY_HAND: Final = (
    "A person used the browser first, unrecorded; then the page was loaded anew, with cache and "
    "service workers passed by, and recorded."
)


class Page:
    """The page as read from what the browser held, and how the capture went."""

    def __init__(self, visit: Visit, job: CaptureJob) -> None:
        html = visit.shown.html
        self.rendition: TextRendition = render_text(html)
        self.facts: PageFacts | None = read_facts(html) if html else None
        main = visit.main
        self.url = main.url.partition("#")[0] if main is not None else job.address.target
        name = unquote(urlsplit(self.url).path.rpartition("/")[2])
        self.title = visit.shown.title or self.rendition.title or name
        self.status = main.status if main is not None else None
        self.judgement = self._judge(visit, job)

    def _judge(self, visit: Visit, job: CaptureJob) -> Judgement:
        main = visit.main
        cut = main.exchange.truncated if main is not None and main.exchange is not None else None
        lost = [one for one in visit.recorded if one.error and one.counts]
        judged = judge(
            Seen(
                status=self.status or 0,
                requested_url=job.address.target,
                final_url=self.url,
                html=visit.shown.html or None,
                title=self.title,
                text=self.rendition.text,
                truncated=cut,
                losses=len(lost),
            ),
            job.phrases,
        )
        if judged.outcome is not Outcome.COMPLETE:
            return judged
        if visit.broken:
            return Judgement(Outcome.INTERRUPTED, f"the browser broke off: {visit.broken}")
        if visit.out_of_time:
            seconds = job.options.time_limit
            return Judgement(Outcome.PARTIAL, f"the time limit of {seconds:g} seconds ran out")
        if visit.shown.missing:
            names = ", ".join(sorted(visit.shown.missing))
            return Judgement(Outcome.PARTIAL, f"could not be made of the page: {names}")
        return judged


def write_capture(job: CaptureJob, visit: Visit, page: Page, started_at: datetime) -> WarcSummary:
    """Write exchanges, attachments and provenance; nothing is left behind on failure.

    :raises StoreError: the disk refused
    """
    with CaptureWriter(
        job.warc_path,
        capture_id=job.capture_id,
        software=f"{software_version()} (browser engine; {visit.browser})",
        instance=job.instance,
        description="Payloads as decoded by the browser.",
    ) as writer:
        everything = [*visit.recorded, *(one for one, _socket in visit.sockets)]
        written: dict[int, str] = {}
        for one in sorted(everything, key=lambda one: one.at):
            if one.exchange is not None:
                written[id(one)] = writer.exchange(one.exchange)
        main_id = written.get(id(visit.main))
        attachments = Attachments(writer, page.url, main_id)
        attachments.page_info(
            [_line(one, written, everything) for one in everything],
            at=utc_now(), unseen=visit.unseen,
        )  # fmt: skip
        _attach(attachments, visit, page)
        media = visit.media.write(attachments)
        notes = provenance(
            job,
            page.judgement,
            engine=ENGINE,
            software={"browser": visit.browser},
            urls=[*visit.redirects, page.url],
            started_at=started_at,
            finished_at=utc_now(),
            guard=visit.guard + visit.media.guard,
            transformations=(*_TRANSFORMATIONS, *((_BY_HAND,) if visit.by_hand else ())),
            further={**_further(job, visit, page), "media": media},
        )
        return writer.finish(notes, target=page.url)


def _further(job: CaptureJob, visit: Visit, page: Page) -> dict[str, object]:
    """What the provenance says of this engine alone; documented in docs/loss-ledger.md."""
    done, main = visit.shown.done, visit.main
    return {
        "text_version": page.rendition.version,
        "quiet": not visit.shown.never_quiet,
        "by_hand": visit.by_hand,
        "behaviour": visit.behaviour.as_json(),
        "site_rules_version": job.sites.version,
        "done": {
            "steps": done.steps,
            "presses": done.presses,
            "unfolded": done.unfolded,
            "films": done.films,
        },
        "targets": visit.targets,
        "page_height": visit.shown.pictures.height,
        "page_height_not_shown": visit.shown.pictures.left_off,
        "attachments_missing": visit.shown.missing,
        "tls": _tls(main) if main is not None else None,
        "context": "a fresh browser context: no cookie, cache or storage of another capture",
    }


def _tls(main: Recorded) -> dict[str, object] | None:
    if main.tls is None:
        return None
    wanted = ("protocol", "cipher", "subjectName", "issuer", "validFrom", "validTo")
    return {name: main.tls.get(name) for name in wanted}


def _line(one: Recorded, written: dict[int, str], everything: list[Recorded]) -> PageRequest:
    record_id = written.get(id(one))
    if one.source is Source.CACHE:
        earlier = [other for other in everything if other.url == one.url and id(other) in written]
        record_id = written[id(earlier[0])] if earlier else None
    return PageRequest(
        one.url, one.resource_type, one.at, method=one.method, status=one.status,
        size=one.size, error=one.error, record_id=record_id, source=one.source.value,
        initiator=one.initiator or None, hindered=one.hindered,
        truncated=one.exchange.truncated if one.exchange is not None else None,
    )  # fmt: skip


def _attach(attachments: Attachments, visit: Visit, page: Page) -> None:
    at, shown = utc_now(), visit.shown
    for _recorded, socket in visit.sockets:
        attachments.about("websocket", socket.url, socket.document(), at=socket.at)
    if shown.pictures.view is not None:
        attachments.view(shown.pictures.view, at=at)
    for number, tile in enumerate(shown.pictures.tiles):
        attachments.full_page(tile, at=at, tile=number)
    if shown.snapshot is not None:
        attachments.mhtml(shown.snapshot, at=at)
    if shown.html:
        attachments.text(page.rendition.text, at=at)
    if shown.pdf is not None:
        attachments.pdf(shown.pdf, at=at)
    if shown.accessibility is not None:
        attachments.json("accessibility", {"nodes": shown.accessibility}, at=at)
    if shown.certificates:
        host = urlsplit(page.url).hostname or ""
        attachments.certificates(host, shown.certificates, at=at)
