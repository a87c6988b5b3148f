"""Writing a WARC: our writer, durable and read back, beside warcio's and the packing alone.

Usage: python benchmarks/write_warc.py. Prints one JSON line; CPU seconds, best of three. Ours
writes digests, fsyncs, and reads the whole file back strictly before it has its name, which
`warcio` (with its digests) does not; `packing` is zlib at level 6, which both use.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from warcio.statusandheaders import StatusAndHeaders  # noqa: E402
from warcio.warcwriter import WARCWriter  # noqa: E402

from archive.capture.exchange import Exchange  # noqa: E402
from archive.clock import utc_now  # noqa: E402
from archive.writer import CaptureWriter  # noqa: E402

WORDS = (ROOT / "docs/corpora-verdicts.md").read_bytes()
BODIES = [WORDS[: 500 * number] + os.urandom(200 * number) for number in range(1, 41)] * 8
URL = "http://example.org/"


def ours(folder: Path) -> None:
    """Write a capture as the engines do."""
    writer = CaptureWriter(folder / "x.warc.gz", capture_id="1", software="bench", instance="i")
    for body in BODIES:
        head = [("Content-Length", str(len(body)))]
        writer.exchange(
            Exchange(URL, utc_now(), "GET", "/", [("Host", "example.org")], b"", "200 OK", head,
                     io.BytesIO(body), len(body), "192.0.2.1", None, None, "document")
        )  # fmt: skip
    writer.finish({"outcome": "complete"}, target=URL)


def warcio(folder: Path) -> None:
    """Write the same responses and requests with warcio alone."""
    with (folder / "x.warc.gz").open("wb") as file:
        writer = WARCWriter(file, gzip=True, warc_version="1.1")
        for body in BODIES:
            head = StatusAndHeaders("200 OK", [("Content-Length", str(len(body)))], "HTTP/1.1")
            asked = StatusAndHeaders(
                "GET / HTTP/1.1", [("Host", "example.org")], is_http_request=True
            )
            for kind, block, http in (("response", body, head), ("request", b"", asked)):
                writer.write_record(
                    writer.create_warc_record(
                        URL, kind, payload=io.BytesIO(block), length=len(block), http_headers=http
                    )
                )


def packing(folder: Path) -> None:
    """Pack the bodies, and write nothing."""
    del folder
    for body in BODIES:
        packer = zlib.compressobj(6, zlib.DEFLATED, 31)
        packer.compress(body)
        packer.flush()


def best(act: Callable[[Path], None]) -> float:
    """Return the CPU seconds of the best of three."""
    taken = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            began = time.process_time()
            act(Path(folder))
            taken.append(time.process_time() - began)
    return min(taken)


if __name__ == "__main__":
    size = sum(map(len, BODIES))
    taken = {act.__name__: best(act) for act in (ours, warcio, packing)}
    result = {
        "benchmark": "write_warc",
        "megabytes": round(size / 1e6, 1),
        "seconds": {name: round(each, 3) for name, each in taken.items()},
        "mb_per_second": {name: round(size / each / 1e6, 1) for name, each in taken.items()},
        "times_warcio": round(taken["warcio"] / taken["ours"], 2),
    }
    print(json.dumps(result))
