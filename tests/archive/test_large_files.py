"""A record of 800 MB is indexed, served by range and packed into 5 GB within 150 MB of memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
BOUNDED = bool(os.environ.get("HOLDFAST_BOUNDED"))
SIZE = 80_000_000 if BOUNDED else 800_000_000
COPIES = 3 if BOUNDED else 7
CHECKOUT = Path(__file__).resolve().parents[2]
MOST = 150_000_000  # bytes of memory

WORK = """
import json, sys
from datetime import UTC, datetime
from pathlib import Path
from archive.digest import file_sha256
from archive.export.signing import package_key
from archive.export.wacz import Contents, PackedPage, PackedWarc, wacz_pieces
from archive.lookup import IndexFolder
from archive.replay import StaticView, StreamedPart

folder, size, copies = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
warc = folder / "large.warc.gz"
index = IndexFolder(folder / "cdxj").of(warc, file_sha256(warc))
found = index.find("http://e.org/film.mp4")
view = StaticView(warc, found.ref, "http://e.org/film.mp4", lambda url: found.ref if url == "http://e.org/film.mp4" else None, None)
part = view.stream("http://e.org/film.mp4", "/c/1")
assert isinstance(part, StreamedPart)
tail = b"".join(part.pieces(size - 1000, size))
page = PackedPage("p", "http://e.org/film.mp4", datetime(2020, 1, 1, tzinfo=UTC), "t")
packed = [PackedWarc(warc, f"{n}.warc.gz", index) for n in range(copies)]
total = sum(len(piece) for piece in wacz_pieces(Contents(packed, [page], "t", "d", "s"), package_key(folder), folder))
# VmHWM begins at exec; ru_maxrss would count the process that started this one as well.
status = Path("/proc/self/status").read_text("ascii")
peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024
print(json.dumps({"length": part.length, "tail": len(tail), "total": total, "peak": peak}))
"""


def make_warc(path: Path, size: int) -> None:
    """Write one film of `size` bytes; stored, since packing is not what is measured."""
    packer = zlib.compressobj(0, zlib.DEFLATED, 31)
    http = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: %d\r\n\r\n" % size
    head = (
        "WARC/1.1\r\nWARC-Type: response\r\nWARC-Target-URI: http://e.org/film.mp4\r\nWARC-Date: 2020-01-01T00:00:00Z\r\n"
        f"WARC-Record-ID: <urn:uuid:1>\r\nContent-Type: application/http\r\nContent-Length: {len(http) + size}\r\n\r\n"
    ).encode()
    piece = os.urandom(1_000_000)
    with path.open("wb") as file:
        file.write(packer.compress(head + http))
        for _number in range(size // len(piece)):
            file.write(packer.compress(piece))
        file.write(packer.compress(b"\r\n\r\n") + packer.flush())


def test_a_large_record_is_served_and_packed_in_little_memory(tmp_path: Path) -> None:
    warc = tmp_path / "large.warc.gz"
    make_warc(warc, SIZE)
    done = subprocess.run(
        [sys.executable, "-c", WORK, str(tmp_path), str(SIZE), str(COPIES)],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
        text=True,
    )
    said = json.loads(done.stdout)
    assert said["length"] == SIZE
    assert said["tail"] == 1000
    assert said["total"] > COPIES * SIZE
    assert said["peak"] < MOST
