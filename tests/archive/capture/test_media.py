"""Films of a page by yt-dlp: kept, labelled, through the guard, never in the way of the page."""

from __future__ import annotations

import hashlib
import json
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from archive.capture.http import HttpEngine
from archive.capture.job import CaptureJob, CaptureOptions, CaptureResult
from archive.capture.media import yt_dlp_software
from archive.capture.network import GuardOutcome, GuardPolicy
from archive.capture.outcome import Outcome
from archive.capture.policy import GuardPolicy as Policy
from archive.capture.sessions import CaptureSession
from archive.reader import read_payload, walk
from archive.record import Record
from archive.urlkey import Address

# An mp4 as far as yt-dlp looks: a box of its type, then bytes.
FILM = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(range(256)) * 400
PAGE = (
    b"<!doctype html><html><head><title>A post</title></head><body><p>words</p>"
    b"<video controls><source src='/film.mp4' type='video/mp4'></video></body></html>"
)


def capture(url: str, folder: Path, port: int, **options: Any) -> CaptureResult:
    folder.mkdir(exist_ok=True)
    policy = Policy(allowed=frozenset({("127.0.0.1", port)}))
    chosen = CaptureOptions(time_limit=20, media=True, **options)
    job = CaptureJob("id", Address.parse(url), folder, policy, "op", "inst", "test", chosen)
    return HttpEngine().capture(job)


def records(made: CaptureResult) -> dict[str, Record]:
    assert made.warc is not None
    return {str(one.target): one for one in walk(made.warc.path) if isinstance(one, Record)}


def payload(made: CaptureResult, record: Record) -> bytes:
    assert made.warc is not None
    return read_payload(made.warc.path, record.ref, limit=1_000_000).body


def test_a_film_is_a_labelled_part_of_the_same_capture(
    serve: Callable[..., Any], tmp_path: Path
) -> None:
    port, asked = serve({"/post": PAGE, "/film.mp4": FILM})
    url = f"http://127.0.0.1:{port}/post"
    made = capture(url, tmp_path, port)
    assert made.outcome is Outcome.COMPLETE, made.reason
    assert made.media_files == 1
    assert asked.count("/post") == 2, "once for the page, once for yt-dlp"
    held = records(made)
    film = held[f"urn:media:{url}#1"]
    assert film.type == "resource"
    assert film.header("Content-Type") == "video/mp4"
    assert payload(made, film) == FILM
    told = json.loads(payload(made, held[f"urn:media-info:{url}"]))
    [file] = told["files"]
    assert file["sha256"] == hashlib.sha256(FILM).hexdigest()
    assert file["record"] == film.record_id
    assert file["about"]["url"] == f"http://127.0.0.1:{port}/film.mp4"
    assert told["software"] == yt_dlp_software()
    assert len(told["software"]["yt-dlp_sha256"]) == 64
    provenance = json.loads(payload(made, held["urn:provenance:id"]))
    assert provenance["media"] == told
    assert {one.outcome for one in made.guard} == {GuardOutcome.CONNECTED}
    assert "holdfast-media" not in json.dumps(provenance)


def test_a_page_without_films_is_captured_all_the_same(
    serve: Callable[..., Any], tmp_path: Path
) -> None:
    port, _ = serve({"/": b"<p>only words"})
    made = capture(f"http://127.0.0.1:{port}/", tmp_path, port)
    assert (made.outcome, made.media_files) == (Outcome.COMPLETE, 0)
    told = json.loads(payload(made, records(made)[f"urn:media-info:http://127.0.0.1:{port}/"]))
    assert told["files"] == []
    assert told["problem"]


def test_a_film_inside_is_not_reached(serve: Callable[..., Any], tmp_path: Path) -> None:
    inside, asked = serve({"/film.mp4": FILM})
    page = PAGE.replace(b"/film.mp4", b"http://127.0.0.1:%d/film.mp4" % inside)
    port, _ = serve({"/": page})
    made = capture(f"http://127.0.0.1:{port}/", tmp_path, port)
    assert (made.outcome, made.media_files) == (Outcome.COMPLETE, 0)
    assert asked == []
    refused = [one for one in made.guard if one.outcome is GuardOutcome.REFUSED_ADDRESS]
    assert {(one.host, one.port) for one in refused} == {("127.0.0.1", inside)}


def test_time_for_media_ends_and_the_page_is_kept(
    serve: Callable[..., Any], tmp_path: Path
) -> None:
    port, _ = serve({"/": PAGE})
    made = capture(f"http://127.0.0.1:{port}/", tmp_path, port, media_seconds=0.01)
    assert (made.outcome, made.media_files) == (Outcome.COMPLETE, 0)


def test_its_process_can_reach_the_guard_and_nothing_else(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as guard,
        socket.create_server(("127.0.0.1", 0)) as other,
    ):
        script = f"""
import socket, subprocess, urllib.request
from archive.capture.media_process import confine
confine({guard.getsockname()[1]})
def tried(work):
    try:
        work()
    except OSError as error:
        return type(getattr(error, 'reason', error)).__name__
    return 'done'
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
print(tried(lambda: socket.create_connection(('127.0.0.1', {guard.getsockname()[1]}))))
print(tried(lambda: socket.create_connection(('127.0.0.1', {other.getsockname()[1]}))))
print(tried(lambda: socket.create_connection(('example.org', 80))))
print(tried(lambda: socket.gethostbyname('example.org')))
print(tried(lambda: udp.sendto(b'x', ('127.0.0.1', 9))))
print(tried(lambda: urllib.request.urlopen('http://example.org/')))
print(tried(lambda: subprocess.run(['true'])))
"""
        told = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", script],
            capture_output=True,
            text=True,
            check=True,
        )
    assert told.stdout.split() == ["done", *["ForbiddenError"] * 6], told.stdout + told.stderr


def test_cookies_of_the_session_go_with_it(serve: Callable[..., Any], tmp_path: Path) -> None:
    from archive.capture.cookies import Cookie

    port, _ = serve({"/": PAGE, "/film.mp4": FILM})
    session = CaptureSession("id", (Cookie("sid", "value-4711", "127.0.0.1"),))
    job = CaptureJob(
        "id", Address.parse(f"http://127.0.0.1:{port}/"), tmp_path,
        GuardPolicy(frozenset({("127.0.0.1", port)})), "o", "i", "t",
        CaptureOptions(media=True), session=session,
    )  # fmt: skip
    made = HttpEngine().capture(job)
    assert made.media_files == 1
    told = payload(made, records(made)[f"urn:media-info:http://127.0.0.1:{port}/"])
    assert b"value-4711" not in told
