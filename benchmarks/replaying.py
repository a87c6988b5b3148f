"""Index, raw resource and first view beside cdxj-indexer and pywb: ratios of one run.

Usage: python benchmarks/replaying.py [WARC]. Without a file it takes the crawl of iana.org from
../shared, 33 times over, and random bytes up to 500 MB beside it. Prints one JSON line each: CDXJ (user seconds), a raw resource (CPU of
the server a request, and p50 with keep-alive, milliseconds), the first view of a page in
Chromium (milliseconds until it is loaded, best of five).
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.client
import json
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import sync_playwright
from sqlalchemy import select

from annotate.jobs import importing
from annotate.models import Capture, ImportFile
from annotate.services import imports, people, projects
from annotate.wiring import make_home
from config import Config

CHECKOUT = Path(__file__).resolve().parents[1]
ORACLES = CHECKOUT / ".venv-oracles/bin"
RUNS = 3
REQUESTS = 300
COPIES = 33
WHOLE = 500_000_000  # bytes of the archive whose page is viewed
CRAWL = "corpora/warc/pywb/warcs/iana.warc.gz"
PAGE = "http://www.iana.org/"
RESOURCE = "http://www.iana.org/_img/2013.1/iana-logo-header.svg"
TICKS = os.sysconf("SC_CLK_TCK")


def user_seconds(command: list[str]) -> float:
    """Run a program; return the CPU time it took, best of several."""
    taken = []
    for _run in range(RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=CHECKOUT)
        taken.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before)
    return min(taken)


def cpu_of(pid: int) -> float:
    """Return the CPU seconds a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextlib.contextmanager
def server(command: list[str], cwd: Path, port: int) -> Iterator[int]:
    """Run a server until the block ends; give its process id."""
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=cwd, stdout=quiet, stderr=quiet)
    try:
        for _attempt in range(300):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetch_often(port: int, path: str, headers: dict[str, str], pid: int) -> tuple[float, float]:
    """Ask for one thing again and again; return CPU and p50, milliseconds a request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    taken = []
    for number in range(REQUESTS + 20):
        if number == 20:  # the first ones open files and fill caches
            before = cpu_of(pid)
        began = time.perf_counter()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200 or not body:
            raise SystemExit(f"{path} answered {answer.status}")
        taken.append((time.perf_counter() - began) * 1000)
    connection.close()
    return (cpu_of(pid) - before) * 1000 / REQUESTS, statistics.median(taken[20:])


def first_view(url: str, cookie: dict[str, str] | None) -> float:
    """Open a page in a new browser profile; return milliseconds until it is loaded."""
    taken = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        for _run in range(5):
            context = browser.new_context()
            if cookie is not None:
                context.add_cookies([cookie])  # type: ignore[list-item]
            page = context.new_page()
            began = time.perf_counter()
            page.goto(url, wait_until="load")
            taken.append((time.perf_counter() - began) * 1000)
            context.close()
        browser.close()
    return min(taken)


def told(name: str, ours: float, theirs: float, peer: str, unit: str) -> None:
    """Print one line."""
    line = {"benchmark": name, "ours": round(ours, 2), peer: round(theirs, 2), "unit": unit,
            "ratio": round(ours / theirs, 3)}  # fmt: skip
    print(json.dumps(line), flush=True)


def index_row(warc: Path) -> None:
    """Row 3 of the table: CDXJ."""
    ours = "import sys; from pathlib import Path; from archive.cdxj import index_warc; sys.stdout.writelines(index_warc(Path(sys.argv[1]), 'a'))"
    told(
        "cdxj index", user_seconds([sys.executable, "-c", ours, str(warc)]),
        user_seconds([str(ORACLES / "cdxj-indexer"), "-p", "-s", str(warc)]), "cdxj-indexer", "s",
    )  # fmt: skip


def main(warc: Path, folder: Path) -> None:
    """Measure everything."""
    with open_pywb(warc, folder) as (theirs_port, theirs_pid), open_ours(warc, folder) as ours:
        port, pid, token, capture = ours
        cookie = {"Cookie": f"holdfast={token}"}
        part = f"/c/{capture}/part?u={quote(RESOURCE, safe='')}"
        mine = fetch_often(port, part, cookie, pid)
        other = fetch_often(theirs_port, f"/coll/2014id_/{RESOURCE}", {}, theirs_pid)
        told("raw resource, CPU of the server", mine[0], other[0], "pywb", "ms")
        told("raw resource, p50 with keep-alive", mine[1], other[1], "pywb", "ms")
        browser_cookie = {"name": "holdfast", "value": token, "url": f"http://127.0.0.1:{port}"}
        seen = first_view(f"http://127.0.0.1:{port}/c/{capture}/view", browser_cookie)
        told("first view", seen, first_view(f"http://127.0.0.1:{theirs_port}/coll/2014/{PAGE}", None), "pywb", "ms")  # fmt: skip


def filler(size: int) -> Iterator[bytes]:
    """Make records of a megabyte each that do not pack, about so many bytes together."""
    for number in range(size // 1_000_000):
        body = os.urandom(1_000_000)
        http = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n"
        head = (
            "WARC/1.0\r\nWARC-Type: response\r\nWARC-Date: 2014-01-26T20:06:24Z\r\n"
            f"WARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-{number:012}>\r\n"
            f"WARC-Target-URI: http://files.example/{number}.bin\r\n"
            f"WARC-Block-Digest: sha256:{hashlib.sha256(http + body).hexdigest()}\r\n"
            "Content-Type: application/http; msgtype=response\r\n"
            f"Content-Length: {len(http) + len(body)}\r\n\r\n"
        )
        yield gzip.compress(head.encode() + http + body + b"\r\n\r\n", 1)


@contextlib.contextmanager
def open_pywb(warc: Path, folder: Path) -> Iterator[tuple[int, int]]:
    """Serve a WARC with pywb."""
    home, port = folder / "pywb", free_port()
    home.mkdir()
    for words in (["init", "coll"], ["add", "coll", str(warc)]):
        subprocess.run([ORACLES / "wb-manager", *words], cwd=home, check=True, capture_output=True)
    with server([str(ORACLES / "wayback"), "-p", str(port), "-b", "127.0.0.1"], home, port) as pid:
        yield port, pid


@contextlib.contextmanager
def open_ours(warc: Path, folder: Path) -> Iterator[tuple[int, int, str, str]]:
    """Serve a WARC with Holdfast."""
    home, port = folder / "home", free_port()
    wiring = make_home(Config().replaced({"home": home}))
    with wiring.database.write() as session:
        owner = people.create_user(
            session, people.SYSTEM, login="a", password="a long enough password", is_admin=True
        )
        actor = people.actor_of(owner)
        project = projects.create_project(session, actor, owner, slug="p", name="P")
        _user, token = people.sign_in(session, "a", "a long enough password", hours=9)
    with warc.open("rb") as file:
        made = importing.bring(wiring, actor, project.id, warc.name, file, limit=10**10)
    importing.work_off(wiring)
    with wiring.database.write() as session:
        imports.confirm(session, actor, session.get_one(ImportFile, made.id))
    importing.work_off(wiring)
    with wiring.database.read() as session:
        query = select(Capture.id).where(Capture.address == PAGE)
        capture = session.scalars(query).first() or ""
    wiring.database.close()
    command = [str(Path(sys.executable).with_name("holdfast")), "--home", str(home), "serve",
               "--no-worker", "--port", str(port)]  # fmt: skip
    with server(command, CHECKOUT, port) as pid:
        yield port, pid, token, capture


if __name__ == "__main__":
    work = Path(tempfile.mkdtemp(prefix="holdfast-bench-"))
    try:
        if len(sys.argv) > 1:
            source = Path(sys.argv[1])
            index_row(source)
        else:
            shared = Path(os.environ.get("HOLDFAST_SHARED", CHECKOUT.parent / "shared"))
            source = work / "crawl.warc.gz"
            crawl = (shared / CRAWL).read_bytes() * COPIES
            source.write_bytes(crawl)
            index_row(source)
            with source.open("ab") as made:
                made.writelines(filler(WHOLE - len(crawl)))
        main(source, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
