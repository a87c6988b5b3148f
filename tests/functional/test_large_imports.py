"""A record of 800 MB and a WACZ of 5 GB take less than 150 MB of memory: whole here, smaller in CI."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BOUNDED = bool(os.environ.get("HOLDFAST_BOUNDED"))
RECORD = 80_000_000 if BOUNDED else 800_000_000
PACKAGE = 200_000_000 if BOUNDED else 5_000_000_000
MEMORY = 150_000_000  # bytes
PIECE = 1_000_000

pytestmark = pytest.mark.slow


def command(home: Path, *arguments: str) -> list[str]:
    return [
        sys.executable, "-c", "from annotate.cli import main; main()", "--home", str(home), *arguments,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("large") / "home"
    for arguments in (["init"], ["project", "add", "study", "--owner", "admin"]):
        subprocess.run(command(made, *arguments), cwd=ROOT, check=True, capture_output=True)
    return made


def pieces(size: int) -> Iterator[bytes]:
    """Yield bytes that hardly pack, the same every time."""
    noise = random.Random(7).randbytes(PIECE)
    for number in range(size // PIECE):
        yield number.to_bytes(8, "big") + noise[8:]


def head(target: str, length: int, kind: str) -> tuple[bytes, bytes]:
    http = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n".encode()
    fields = (
        "WARC/1.1\r\nWARC-Type: response\r\nContent-Type: application/http; msgtype=response\r\n"
        f"WARC-Record-ID: <urn:uuid:{hashlib.md5(target.encode()).hexdigest()}>\r\n"
        f"WARC-Target-URI: {target}\r\nWARC-Date: 2020-05-01T00:00:00Z\r\n"
        f"Content-Length: {len(http) + length}\r\n\r\n"
    )
    return fields.encode(), http


def records(large: int, each: int) -> Iterator[bytes]:
    """Yield the bytes of a plain WARC: a page, then large answers."""
    body = "<title>大文件</title><p>صفحة".encode()
    yield b"".join(head("https://s.example/", len(body), "text/html")) + body + b"\r\n\r\n"
    for number in range(large):
        yield b"".join(head(f"https://s.example/film/{number}", each, "video/mp4"))
        yield from pieces(each)
        yield b"\r\n\r\n"


def memory(process: int) -> int:
    """Return the highest memory of a process so far, bytes."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    line = status.partition("VmHWM:")[2]
    return int(line.split()[0]) * 1024 if line else 0


def family(process: int) -> list[int]:
    """Return a process and those it began."""
    try:
        below = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        below = []
    return [process, *(one for child in below for one in family(int(child)))]


def bring(home: Path, path: Path) -> tuple[dict, int]:
    """Import on the command line; return what it said and the most memory any process had."""
    process = subprocess.Popen(
        command(home, "--json", "import", "--yes", str(path)), cwd=ROOT, stdout=subprocess.PIPE
    )
    most = 0
    while process.poll() is None:
        most = max([most, *map(memory, family(process.pid))])
        time.sleep(0.02)
    assert process.stdout is not None
    with process.stdout as out:
        said = json.loads(out.read().decode().splitlines()[0])
    assert process.returncode == 0, said
    return said, most


def test_a_large_record(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "large.warc"
    with path.open("wb") as file:
        file.writelines(records(1, RECORD))
    said, most = bring(home, path)
    assert (said["state"], said["records"], said["pages"]) == ("imported", 2, 1)
    assert most < MEMORY, f"{most / 1e6:.0f} MB"


def test_a_large_wacz(home: Path, tmp_path: Path) -> None:
    each = 50_000_000
    path = tmp_path / "large.wacz"
    write_wacz(path, PACKAGE // each, each)
    said, most = bring(home, path)
    assert (said["state"], said["verdict"]) == ("imported", "intact")
    assert (said["records"], said["pages"]) == (PACKAGE // each + 1, 1)
    assert most < MEMORY, f"{most / 1e6:.0f} MB"
    derived = next((home / "imports").glob("*/derived/*/*"))
    assert derived.stat().st_size > PACKAGE


def write_wacz(path: Path, large: int, each: int) -> None:
    """Write a package whose WARC is stored, as every writer of WACZ does, without holding it."""
    sha = hashlib.sha256()
    size = 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as made:
        with made.open("archive/data.warc", "w", force_zip64=True) as member:
            for piece in records(large, each):
                sha.update(piece)
                size += len(piece)
                member.write(piece)
        pages = b'{"format": "json-pages-1.0"}\n{"url": "https://s.example/", "ts": "2020-05-01T00:00:00Z"}\n'
        made.writestr("pages/pages.jsonl", pages)
        listed = [
            {"name": "data.warc", "path": "archive/data.warc", "bytes": size, "hash": f"sha256:{sha.hexdigest()}"},
            {"name": "pages.jsonl", "path": "pages/pages.jsonl", "bytes": len(pages),
             "hash": f"sha256:{hashlib.sha256(pages).hexdigest()}"},
        ]  # fmt: skip
        package = {"profile": "data-package", "wacz_version": "1.1.1", "resources": listed}
        text = json.dumps(package).encode()
        made.writestr("datapackage.json", text)
        digest = f"sha256:{hashlib.sha256(text).hexdigest()}"
        made.writestr(
            "datapackage-digest.json", json.dumps({"path": "datapackage.json", "hash": digest})
        )
