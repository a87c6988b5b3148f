"""Reading and checking WARCs: ours, every digest and byte checked, beside peers that check less.

Usage: python benchmarks/read_warc.py [CORPORA]. Prints one JSON line. Seconds of CPU and by the
clock, best of five, each reader in a process of its own; the readers take turns, so that a busy
machine hinders all alike. By the clock ours reads in two processes too (`two`, as `holdfast
verify` does on two cores); that says something only where two cores are free. Peers from
.venv-oracles:

- `warcio`: its iterator, blocks read, digests not checked;
- `fastwarc`: its iterator with digests of blocks and payloads checked (C++);
- `limit`: the members, whose ends are known before, inflated by isal and thrown away.

Three sets of real files: `small` records of a crawl of 2008 (4 KB stored a record), `mixed`
crawls, and `large` records, a capture with PDFs and pictures whose members are packed anew so
that each has two digests.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SMALL = ("jwat/IAH-20080430204825-00000-blackbook.warc.gz",)
MIXED = (
    "WarcDB/frontpages.warc.gz",
    "resiliparse/warcfile.warc.gz",
    "pywb/warcs/iana.warc.gz",
    "aut/warc/example.docs.warc.gz",
    "aut/warc/example.pdf.warc.gz",
    "node-warc/parseMe.warc.gz",
    "warc2zim/data/content-resource-types.warc.gz",
    "warc2zim/data/solidaritenum.warc.gz",
    "ipwb/warcs/sample-1.warc.gz",
)
SIZE = 70_000_000  # bytes of each set at least, stored: as large as is read in parts
ROUNDS = 5
TIMED = """
import sys, time, json
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
def spent():
    return sum(sum(getrusage(who)[:2]) for who in (RUSAGE_SELF, RUSAGE_CHILDREN))
def once(read):
    began, before = time.perf_counter(), spent()
    read(sys.argv[1])
    print(json.dumps([spent() - before, time.perf_counter() - began]))
"""
READERS = {
    "ours": """
from pathlib import Path
from archive.verify import verify_file
once(lambda path: verify_file(Path(path)))
""",
    "two": """
from pathlib import Path
from archive.verify import verify_file
once(lambda path: verify_file(Path(path), processes=2))
""",
    "limit": """
from isal import isal_zlib
data = memoryview(open(sys.argv[1], 'rb').read()); ends = [0]
while ends[-1] < len(data):
    one = isal_zlib.decompressobj(31); at = ends[-1]
    while not one.eof:
        piece = one.unconsumed_tail or data[at:at + 65536]
        at += 0 if one.unconsumed_tail else len(piece)
        one.decompress(piece, 1 << 20)
    ends.append(at - len(one.unused_data))
def read(path):
    data = memoryview(open(path, 'rb').read())
    for at, end in zip(ends, ends[1:]):
        one = isal_zlib.decompressobj(31); member = data[at:end]
        while not one.eof:
            one.decompress(member, 1 << 20); member = one.unconsumed_tail
once(read)
""",
    "warcio": """
from warcio.archiveiterator import ArchiveIterator
def read(path):
    with open(path, 'rb') as file:
        for record in ArchiveIterator(file):
            while record.raw_stream.read(65536): pass
once(read)
""",
    "fastwarc": """
from fastwarc.warc import ArchiveIterator
def read(path):
    with open(path, 'rb') as file:
        for record in ArchiveIterator(file, parse_http=False):
            record.verify_block_digest(); record.verify_payload_digest()
            record.reader.consume()
once(read)
""",
}


def measured(reader: str, path: Path) -> tuple[float, float]:
    """Return the seconds a reader takes: of CPU, its children's included, and by the clock."""
    ours = reader in {"ours", "two", "limit"}
    python = sys.executable if ours else str(ROOT / ".venv-oracles/bin/python")
    done = subprocess.run(
        [python, "-c", TIMED + READERS[reader], path],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    computing, clock = json.loads(done.stdout)
    return computing, clock


def compared(path: Path) -> dict[str, object]:
    """Let every reader read a file five times, in turn; compare the best of each."""
    rounds = [{reader: measured(reader, path) for reader in READERS} for _ in range(ROUNDS)]
    cpu, clock = (
        {reader: min(one[reader][which] for one in rounds) for reader in READERS}
        for which in (0, 1)
    )
    return {
        "cpu_seconds": {reader: round(each, 3) for reader, each in cpu.items()},
        "clock_seconds": {reader: round(each, 3) for reader, each in clock.items()},
        "times_warcio": round(cpu["warcio"] / cpu["ours"], 2),
        "of_limit": round(cpu["limit"] / cpu["ours"], 2),
        "times_fastwarc": round(cpu["fastwarc"] / cpu["ours"], 2),
        "clock_times_warcio": round(clock["warcio"] / clock["ours"], 2),
        "clock_two_times_warcio": round(clock["warcio"] / clock["two"], 2),
        "clock_two_of_limit": round(clock["limit"] / clock["two"], 2),
        "stored_mb_per_second": round(path.stat().st_size / cpu["ours"] / 1e6, 1),
    }


def large() -> bytes:
    """Records of 60 to 400 KB, as of a page's pictures and scripts, each with two digests."""
    made = []
    words = (ROOT / "docs/corpora-verdicts.md").read_bytes()
    for number in range(1, 41):
        body = (words[: number * 500] + os.urandom(number * 2500)) * 3
        http = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
        head = (
            "WARC/1.1\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:1>\r\n"
            "WARC-Date: 2026-01-01T00:00:00Z\r\nWARC-Target-URI: http://example.org/\r\n"
            f"WARC-Block-Digest: sha256:{hashlib.sha256(http + body).hexdigest()}\r\n"
            f"WARC-Payload-Digest: sha256:{hashlib.sha256(body).hexdigest()}\r\n"
            "Content-Type: application/http;msgtype=response\r\n"
            f"Content-Length: {len(http) + len(body)}\r\n\r\n"
        ).encode()
        packer = zlib.compressobj(6, zlib.DEFLATED, 31)
        made.append(packer.compress(head + http + body + b"\r\n\r\n") + packer.flush())
    return b"".join(made)


def main(corpora: Path) -> None:
    """Measure and print one JSON line."""
    sets = {
        "small": b"".join((corpora / "warc" / name).read_bytes() for name in SMALL),
        "mixed": b"".join((corpora / "warc" / name).read_bytes() for name in MIXED),
        "large": large(),
    }
    result: dict[str, object] = {"benchmark": "read_warc"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.warc.gz"
        for name, data in sets.items():
            path.write_bytes(data * -(-SIZE // len(data)))
            result[name] = compared(path)
    print(json.dumps(result))


if __name__ == "__main__":
    shared = Path(os.environ.get("HOLDFAST_SHARED") or ROOT.parent / "shared")
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else shared / "corpora")
