"""The replay check's share of a capture, on a light and on a larger page; one JSON line."""

from __future__ import annotations

import http.server
import json
import shutil
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from archive.capture.browser.engine import BrowserEngine  # noqa: E402
from archive.capture.browsers import find_browser  # noqa: E402
from archive.capture.job import CaptureJob  # noqa: E402
from archive.capture.network import GuardPolicy  # noqa: E402
from archive.urlkey import Address  # noqa: E402

RUNS = 5
PICTURE = b"<svg xmlns='http://www.w3.org/2000/svg'>" + b"<rect width='9'/>" * 400 + b"</svg>"
LIGHT = "<!doctype html><title>post</title>" + "<p>word 棉花 كلمة</p>" * 20
LARGE = (
    LIGHT
    + "<p>words of a long page</p>" * 2000
    + "".join(f"<img src=/{number}.svg>" for number in range(60))
)


class Site(http.server.BaseHTTPRequestHandler):
    """Two pages and their pictures."""

    def do_GET(self) -> None:
        pages = {"/light": LIGHT, "/large": LARGE}
        body = pages[self.path].encode() if self.path in pages else PICTURE
        kind = "text/html; charset=utf-8" if self.path in pages else "image/svg+xml"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


def main() -> None:
    binary = find_browser(None)
    if binary is None:
        raise SystemExit("no browser that starts")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    policy = GuardPolicy(frozenset({("127.0.0.1", server.server_port)}))
    told: dict[str, object] = {"benchmark": "replay check", "runs": RUNS}
    with BrowserEngine(binary) as engine:
        for page in ("light", "large"):
            captures, checks, score = [], [], None
            for run in range(RUNS + 1):
                folder = Path(tempfile.mkdtemp(prefix="holdfast-bench-"))
                address = Address.parse(f"http://127.0.0.1:{server.server_port}/{page}")
                begun = time.perf_counter()
                made = engine.capture(
                    CaptureJob("id", address, folder, policy, "o", "i", "benchmark")
                )
                captured = time.perf_counter()
                check = engine.check_replay(made)
                ended = time.perf_counter()
                shutil.rmtree(folder)
                score = check.similarity
                if run:  # the first starts the browser
                    captures.append(captured - begun)
                    checks.append(ended - captured)
            capture, check_time = statistics.median(captures), statistics.median(checks)
            told[page] = {
                "capture_s": round(capture, 3),
                "check_s": round(check_time, 3),
                "share": round(check_time / (capture + check_time), 3),
                "similarity": score,
            }
    server.shutdown()
    print(json.dumps(told))


if __name__ == "__main__":
    main()
