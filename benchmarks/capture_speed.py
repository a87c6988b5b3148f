"""Light pages a minute with two workers, beside a bare load of the same pages.

The peer is Playwright with the same Chromium, two processes as well: a fresh context, the page
until its network is idle (500 ms), nothing kept. Ours loads the same page through the guard and
keeps WARC, pictures, snapshot, print, text, accessibility tree and provenance. Both runs take
turns; the best of each counts.

Usage: python benchmarks/capture_speed.py [PAGES a worker] [ROUNDS].
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import sync_playwright  # noqa: E402

from archive.capture.browser.engine import BrowserEngine  # noqa: E402
from archive.capture.browsers import find_browser  # noqa: E402
from archive.capture.job import CaptureJob  # noqa: E402
from archive.capture.network import GuardPolicy  # noqa: E402
from archive.capture.outcome import Outcome  # noqa: E402
from archive.urlkey import Address  # noqa: E402
from tests.site.running import Site  # noqa: E402

WORKERS = 2
PAGES = int(sys.argv[1]) if len(sys.argv) > 1 else 20
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 3


def bare(binary: str, urls: list[str], ready: object, go: object) -> None:
    """Load pages and keep nothing."""

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=binary, args=["--no-sandbox"])
        _visit(browser, urls[0])
        ready.wait()  # type: ignore[attr-defined]
        for url in urls[1:]:
            _visit(browser, url)
        go.wait()  # type: ignore[attr-defined]
        browser.close()


def _visit(browser: object, url: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 1024})  # type: ignore[attr-defined]
    context.new_page().goto(url, wait_until="networkidle")
    context.close()


def ours(binary: str, urls: list[str], ready: object, go: object, allowed: object) -> None:
    """Capture pages as a worker does."""
    policy = GuardPolicy(frozenset(allowed))  # type: ignore[call-overload]
    with tempfile.TemporaryDirectory() as place, BrowserEngine(Path(binary)) as engine:
        for number, url in enumerate(urls):
            if number == 1:
                ready.wait()  # type: ignore[attr-defined]
            folder = Path(place) / str(number)
            folder.mkdir()
            made = engine.capture(
                CaptureJob("id", Address.parse(url), folder, policy, "op", "inst", "bench")
            )
            assert made.outcome is Outcome.COMPLETE, made.reason
        go.wait()  # type: ignore[attr-defined]


def timed(work: object, site: Site, *more: object) -> float:
    """Seconds for all pages by all workers, browsers being up."""
    ready, go = multiprocessing.Barrier(WORKERS + 1), multiprocessing.Barrier(WORKERS + 1)
    binary = str(find_browser(None))
    processes = []
    for worker in range(WORKERS):
        urls = [f"{site.here}/light?w={worker}&n={n}" for n in range(PAGES + 1)]
        process = multiprocessing.Process(target=work, args=(binary, urls, ready, go, *more))  # type: ignore[arg-type]
        process.start()
        processes.append(process)
    ready.wait(120)
    began = time.perf_counter()
    go.wait(600)
    seconds = time.perf_counter() - began
    for process in processes:
        process.join()
    return seconds


def main() -> None:
    multiprocessing.set_start_method("spawn")
    with Site() as site:
        allowed = sorted(site.policy.allowed)
        pairs = [(timed(bare, site), timed(ours, site, allowed)) for _ in range(ROUNDS)]
    peer, own = min(one for one, _ in pairs), min(two for _, two in pairs)
    pages = WORKERS * PAGES
    print(
        json.dumps(
            {
                "benchmark": "capture_speed",
                "pages": pages,
                "workers": WORKERS,
                "bare_seconds": round(peer, 2),
                "capture_seconds": round(own, 2),
                "ratio": round(own / peer, 3),
                "bare_per_minute": round(60 * pages / peer, 1),
                "per_minute": round(60 * pages / own, 1),
                "rounds": [[round(a, 2), round(b, 2)] for a, b in pairs],
            }
        )
    )


if __name__ == "__main__":
    main()
