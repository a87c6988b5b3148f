"""What a capture is asked to do, and what came of it: the seam between queue and engines."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from archive.capture.network import GuardEntry, GuardPolicy
from archive.capture.outcome import Judgement, Outcome
from archive.capture.phrases import PACKAGED, PhraseList
from archive.capture.sessions import CaptureSession
from archive.capture.sites import PACKAGED_RULES, SiteRules
from archive.capture.stopping import Stop
from archive.page import PageFacts
from archive.replay_check import ReplayCheck
from archive.urlkey import Address
from archive.writer import WarcSummary

WARC_NAME: Final = "capture.warc.gz"  # one WARC per capture, this name in its folder
MEBIBYTE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class CaptureOptions:
    """Bounds and choices of one capture; all are written into its provenance."""

    time_limit: float = 60.0
    """Seconds for the whole capture; what came until then is kept."""
    body_limit: int = 200 * MEBIBYTE
    """Bytes of one response body; a longer one is cut and marked truncated."""
    total_limit: int = 1024 * MEBIBYTE
    """Bytes of all bodies together."""
    part_limit: int = 200
    """Pictures, styles and media the http engine fetches beside the page; 0 for none."""
    redirect_limit: int = 10
    """Redirect hops followed by the http engine."""
    scroll_steps: int = 8
    """Times the browser scrolls one viewport further."""
    viewport_width: int = 1280
    """CSS pixels."""
    viewport_height: int = 1024
    """CSS pixels."""
    screenshot_height_limit: int = 16_000
    """CSS pixels; a taller page is cut into tiles or at this height."""
    accept_language: str = "en,*;q=0.5"
    """Sent as Accept-Language."""
    pdf: bool = True
    """Whether the page is printed too."""
    accessibility: bool = True
    """Whether the tree that screen readers get is kept too."""
    media: bool = False
    """Whether films and sound of the page are fetched too, by yt-dlp (media.py)."""
    media_seconds: float = 300.0
    """Seconds for films and sound, after the page itself."""


@dataclass(frozen=True, slots=True)
class CaptureJob:
    """One address to capture once, into one folder."""

    capture_id: str
    address: Address
    folder: Path
    """An existing folder of this capture alone; the WARC is written into it."""
    policy: GuardPolicy
    operator: str
    """Pseudonymous id of who asked; never a name (decisions.md 21)."""
    instance: str
    """Pseudonymous id of this installation."""
    reason: str
    """Why the capture was asked for: seed list, by hand, re-visit…"""
    options: CaptureOptions = field(default_factory=CaptureOptions)
    phrases: PhraseList = PACKAGED
    """What pages say when something is not there; its version goes into the provenance."""
    sites: SiteRules = PACKAGED_RULES
    """What is done on pages before they are kept."""
    session: CaptureSession | None = None
    """Whose cookies the capture is made with; only its id is written into the WARC."""
    stop: Stop = field(default_factory=Stop)
    """Told when nobody wants the capture any more; an engine then stores nothing and ends soon."""

    @property
    def warc_path(self) -> Path:
        """Where the engine writes."""
        return self.folder / WARC_NAME


@dataclass(frozen=True, slots=True)
class CaptureResult:
    """What came of a job. `reason` is a sentence for people, empty only when complete."""

    capture_id: str
    outcome: Outcome
    reason: str
    warc: WarcSummary | None
    """None only where nothing could be recorded, as when the guard refused."""
    status: int | None
    """HTTP status of the main response."""
    final_url: str | None
    title: str
    text: str
    language_claimed: str | None
    facts: PageFacts | None
    """None where the main response is no HTML."""
    started_at: datetime
    finished_at: datetime
    engine: str
    software: str
    """Name and version of engine and, where there is one, browser."""
    guard: tuple[GuardEntry, ...]
    thumbnail_png: bytes | None
    shown_text: str | None = None
    """The words as a reader saw them; None where no browser showed them."""
    media_files: int | None = None
    """Films and sound fetched; None where nobody asked for them."""
    judgement: Judgement | None = None
    """What `outcome` and `reason` were read from; None where nothing judged a page."""


@runtime_checkable
class ReplayChecker(Protocol):
    """An engine that can show what it captured, from the bytes alone."""

    def check_replay(self, result: CaptureResult) -> ReplayCheck:
        """Show a capture just written with no way out, and compare it with what was seen live.

        Whatever goes wrong is `ReplayCheck.problem`; the capture stands as it is.
        """
        ...


class CaptureEngine(Protocol):
    """A way of capturing."""

    name: str

    def capture(self, job: CaptureJob) -> CaptureResult:
        """Capture once. What a page or the network does is an outcome, never an exception.

        :raises StoreError: the disk refused the WARC
        """
        ...

    def close(self) -> None:
        """Let go of what is kept between captures; a later capture begins it anew."""
        ...
