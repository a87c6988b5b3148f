"""Memory does not grow with the file: a record of 800 MB and a WACZ of 5 GB in 150 MB."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BOUNDED = bool(os.environ.get("HOLDFAST_BOUNDED"))
RECORD = (100 if BOUNDED else 800) << 20  # bytes
PACKAGE = (300 if BOUNDED else 5 << 10) << 20
LIMIT = 150 << 20
NOISE = os.urandom(1 << 20)  # longer than deflate looks back: packs to itself


def head(block: Iterator[bytes], length: int) -> bytes:
    digest = hashlib.sha256()
    for piece in block:
        digest.update(piece)
    return (
        "WARC/1.1\r\nWARC-Type: resource\r\nWARC-Record-ID: <urn:uuid:1>\r\n"
        "WARC-Date: 2026-01-01T00:00:00Z\r\nWARC-Target-URI: http://example.org/\r\n"
        f"WARC-Block-Digest: sha256:{digest.hexdigest()}\r\n"
        f"Content-Type: video/mp4\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def member(pieces: int) -> Iterator[bytes]:
    """One record of `pieces` megabytes, as a gzip member, a little at a time."""

    def block() -> Iterator[bytes]:
        return (NOISE for _ in range(pieces))

    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    yield packer.compress(head(block(), pieces << 20))
    for piece in block():
        yield packer.compress(piece)
    yield packer.compress(b"\r\n\r\n") + packer.flush()


def verified(path: Path) -> tuple[int, int]:
    """Run the command; return its exit code and the most memory it had, in bytes."""
    code = (
        "from annotate.cli import holdfast\n"
        f"done = holdfast.main(['verify', {str(path)!r}], standalone_mode=False)\n"
        "status = open('/proc/self/status').read()\n"
        "print(done, int(status.partition('VmHWM:')[2].split()[0]) * 1024)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found, most = done.stdout.splitlines()[-1].split()
    return int(found), int(most)


@pytest.mark.slow
def test_a_record_of_800_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "large.warc.gz"
    with path.open("wb") as file:
        for piece in member(RECORD >> 20):
            file.write(piece)
    code, most = verified(path)
    assert code == 0
    assert most < LIMIT, most
    with path.open("r+b") as file:  # one bit in the middle of it
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 1]))
    code, most = verified(path)
    assert code == 1
    assert most < LIMIT, most
    path.unlink()


@pytest.mark.slow
def test_a_package_of_5_gigabytes(tmp_path: Path) -> None:
    path = tmp_path / "large.wacz"
    one = b"".join(member(16))
    digest = hashlib.sha256()
    count = PACKAGE // len(one)
    with zipfile.ZipFile(path, "w") as package:
        with package.open("archive/data.warc.gz", "w", force_zip64=True) as out:
            for _ in range(count):
                out.write(one)
                digest.update(one)
        listed = {
            "profile": "data-package",
            "wacz_version": "1.1.1",
            "resources": [
                {
                    "name": "data.warc.gz",
                    "path": "archive/data.warc.gz",
                    "hash": f"sha256:{digest.hexdigest()}",
                    "bytes": count * len(one),
                }
            ],
        }
        data = json.dumps(listed).encode()
        package.writestr("datapackage.json", data)
        sealed = {"path": "datapackage.json", "hash": f"sha256:{hashlib.sha256(data).hexdigest()}"}
        package.writestr("datapackage-digest.json", json.dumps(sealed))
    code, most = verified(path)
    path.unlink()
    assert code == 0
    assert most < LIMIT, most
