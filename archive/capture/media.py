"""Films and sound of a page by yt-dlp, through the capture's rules, as a labelled part of its WARC.

What yt-dlp saves is written as `resource` records ``urn:media:<url>#<n>`` beside the page's own
exchanges, with one ``urn:media-info:<url>`` that says what each is, where it came from, and
which yt-dlp fetched it. They are what a program made of many requests, so never `response`
records. A page without films, or yt-dlp failing, takes nothing from the capture of the page.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from archive.capture.attachments import Attachments
from archive.capture.job import CaptureJob
from archive.capture.network import Guard, GuardEntry
from archive.capture.stopping import STOPPED
from archive.clock import utc_now
from archive.digest import file_sha256

FILES: Final = 20  # media of one page
_CHECKOUT: Final = Path(__file__).resolve().parents[2]
_LOOK: Final = 0.2  # seconds between two looks at time and size
_ERROR: Final = "ERROR: "
_TYPES: Final = {
    "mp4": "video/mp4", "m4v": "video/mp4", "webm": "video/webm", "mkv": "video/x-matroska",
    "mov": "video/quicktime", "ogv": "video/ogg", "flv": "video/x-flv", "ts": "video/mp2t",
    "3gp": "video/3gpp", "mp3": "audio/mpeg", "m4a": "audio/mp4", "ogg": "audio/ogg",
    "opus": "audio/ogg", "wav": "audio/wav", "aac": "audio/aac", "flac": "audio/flac",
    "vtt": "text/vtt", "srt": "application/x-subrip",
}  # fmt: skip
# Of what yt-dlp tells of a film; never its request headers and cookies.
_TOLD: Final = (
    "id", "title", "extractor_key", "webpage_url", "original_url", "url", "format_id", "format",
    "ext", "duration", "width", "height", "vcodec", "acodec", "upload_date", "timestamp",
    "uploader", "uploader_id", "uploader_url", "channel", "channel_id", "language", "age_limit",
    "live_status", "view_count", "like_count", "comment_count", "description",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MediaFile:
    """One film, sound or set of subtitles as yt-dlp saved it."""

    path: Path
    content_type: str
    size: int
    """Bytes."""
    sha256: str
    about: Mapping[str, object]
    """What yt-dlp says of it."""


@dataclass(slots=True)
class Media:
    """What came of looking for films and sound. The files are gone when its context ends."""

    files: tuple[MediaFile, ...] = ()
    problem: str = ""
    """Why there is nothing, or not everything, in words; empty where all came."""
    guard: tuple[GuardEntry, ...] = ()
    asked: bool = False
    software: dict[str, str] = field(default_factory=dict)

    @property
    def count(self) -> int | None:
        """How many files there are; None where nobody asked for media."""
        return len(self.files) if self.asked else None

    def write(self, attachments: Attachments) -> dict[str, object] | None:
        """Write the files and what is known of them; give it for the provenance.

        :raises StoreError: the disk refused
        """
        if not self.asked:
            return None
        at, records = utc_now(), []
        for number, one in enumerate(self.files, 1):
            with one.path.open("rb") as file:
                records.append(attachments.media(number, one.content_type, file, at=at))
        told = self.as_json(records)
        attachments.json("media-info", told, at=at)
        return told

    def as_json(self, records: Sequence[str] = ()) -> dict[str, object]:
        """What provenance and ``urn:media-info:`` say."""
        told: list[dict[str, object]] = [
            {"size": one.size, "sha256": one.sha256, "type": one.content_type, "about": one.about}
            for one in self.files
        ]
        for line, record in zip(told, records, strict=False):
            line["record"] = record
        return {"software": self.software, "problem": self.problem or None, "files": told}


@contextmanager
def fetch_media(job: CaptureJob, url: str) -> Iterator[Media]:
    """Look for films and sound on the page at `url` if the job asks for them.

    Whatever yt-dlp does, this only ever gives files or a sentence.
    """
    if not job.options.media:
        yield Media()
        return
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-media-")))
        guard = held.enter_context(Guard(job.policy))
        cookies = held.enter_context(job.session.cookies_txt()) if job.session else None
        problem = _run(_command(job, url, guard.port, folder, cookies), folder, job)
        files = tuple(_found(folder))
        if not files and not problem:
            problem = "yt-dlp found no film and no sound on this page"
        yield Media(files, problem, tuple(guard.log), asked=True, software=yt_dlp_software())


@lru_cache(maxsize=1)
def yt_dlp_software() -> dict[str, str]:
    """Version of the installed yt-dlp, and the SHA-256 over its files as they are.

    The digest is that of the lines ``<sha256>  <path>`` of its .py files, sorted by path, as
    ``sha256sum`` prints them.
    """
    installed = metadata.distribution("yt-dlp")
    lines = [
        f"{file_sha256(Path(str(one.locate())))}  {one.as_posix()}\n"
        for one in sorted(installed.files or (), key=str)
        if one.suffix == ".py"
    ]
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    return {"yt-dlp": installed.version, "yt-dlp_sha256": digest}


def _command(job: CaptureJob, url: str, port: int, folder: Path, cookies: Path | None) -> list[str]:
    """The command: nothing of the machine's own settings, nothing fetched but the media."""
    options = job.options
    command = [
        sys.executable, "-m", "archive.capture.media_process", str(port),
        str(options.body_limit),
        "--ignore-config", "--no-plugin-dirs", "--no-js-runtimes", "--no-remote-components",
        "--no-cache-dir", "--no-update", "--no-color", "--no-progress", "--quiet",
        "--proxy", f"socks5h://127.0.0.1:{port}", "--downloader", "native",
        "--ffmpeg-location", str(folder / "none"), "--fixup", "never", "--no-mtime",
        "--format", "b/bv/ba", "--playlist-end", str(FILES), "--ignore-errors",
        "--retries", "2", "--fragment-retries", "2", "--socket-timeout", "15",
        "--max-filesize", str(options.body_limit), "--write-info-json",
        "--no-write-playlist-metafiles",
        "--write-subs", "--sub-langs", "all", "--user-agent", "Mozilla/5.0",
        "--add-headers", f"Accept-Language:{options.accept_language}",
        "--output", str(folder / "%(autonumber)03d.%(ext)s"),
    ]  # fmt: skip
    if cookies is not None:
        command += ["--cookies", str(cookies)]
    return [*command, "--", url]


def _run(command: list[str], folder: Path, job: CaptureJob) -> str:
    """Run yt-dlp within the job's time and size; return what went wrong, in words."""
    errors = folder / "errors"
    with errors.open("wb") as file:
        process = subprocess.Popen(  # noqa: S603 -- our own program; the address stands after --
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=file,
            cwd=_CHECKOUT,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(folder),
                 "PYTHONDONTWRITEBYTECODE": "1"},
            start_new_session=True,
        )  # fmt: skip
        try:
            problem = _watch(process, folder, job)
        finally:
            _end(process)
    said = errors.read_text("utf-8", "replace")
    errors.unlink()
    told = [line.removeprefix(_ERROR) for line in said.splitlines() if line.startswith(_ERROR)]
    if problem or process.returncode == 0:
        return problem
    return "; ".join(dict.fromkeys(told))[:1000] or f"yt-dlp ended with {process.returncode}"


def _watch(process: subprocess.Popen[bytes], folder: Path, job: CaptureJob) -> str:
    ends = time.monotonic() + job.options.media_seconds
    while process.poll() is None:
        if job.stop.told:
            return STOPPED
        if time.monotonic() > ends:
            return f"the time limit of {job.options.media_seconds:g} seconds for media ran out"
        if sum(one.stat().st_size for one in folder.glob("*")) > job.options.total_limit:
            return f"the media have more than {job.options.total_limit} bytes together"
        time.sleep(_LOOK)
    return ""


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _found(folder: Path) -> Iterator[MediaFile]:
    """The whole files; what yt-dlp had not finished is left."""
    for path in sorted(folder.iterdir()):
        content_type = _TYPES.get(path.suffix[1:].lower())
        if content_type is None or not path.is_file() or path.is_symlink():
            continue
        about = _about(folder / f"{path.name.partition('.')[0]}.info.json")
        yield MediaFile(path, content_type, path.stat().st_size, file_sha256(path), about)


def _about(path: Path) -> dict[str, object]:
    try:
        said: Any = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {key: said[key] for key in _TOLD if said.get(key) is not None}
