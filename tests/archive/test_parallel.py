"""A large file read in parts gives the verdict one process gives."""

from __future__ import annotations

import gzip
import hashlib
import os
import random
import signal
import threading
from pathlib import Path

import pytest

from archive.reader import part_starts
from archive.verify import verify_file


def record(block: bytes) -> bytes:
    head = (
        "WARC/1.1\r\nWARC-Type: resource\r\nWARC-Record-ID: <urn:uuid:1>\r\n"
        "WARC-Date: 2026-01-01T00:00:00Z\r\nWARC-Target-URI: http://example.org/\r\n"
        f"WARC-Block-Digest: sha256:{hashlib.sha256(block).hexdigest()}\r\n"
        f"Content-Length: {len(block)}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


@pytest.fixture(autouse=True)
def _small_files_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archive.parallel.WORTH_IT", 1)


def check(path: Path) -> None:
    assert verify_file(path, processes=2) == verify_file(path, processes=1)


def test_sound_and_damaged_files_alike(tmp_path: Path) -> None:
    data = b"".join(gzip.compress(record(os.urandom(3000))) for _ in range(40))
    path = tmp_path / "x.warc.gz"
    path.write_bytes(data)
    assert len(part_starts(path, 2)) == 2
    assert verify_file(path, processes=2).records == 40
    check(path)
    chance = random.Random(7)
    for _ in range(2):
        changed = bytearray(data)
        changed[chance.randrange(len(data))] ^= 4
        path.write_bytes(bytes(changed) + b"garbage")
        check(path)


def test_more_parts_than_processes_and_other_threads_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archive.parallel._PART", 1)
    path = tmp_path / "x.warc.gz"
    sound = b"".join(gzip.compress(record(os.urandom(3000))) for _ in range(40))
    path.write_bytes(sound + sound[:-5])
    assert len(part_starts(path, 8)) == 8
    check(path)
    rest = threading.Event()
    beside = threading.Thread(target=rest.wait)
    beside.start()
    try:
        check(path)
    finally:
        rest.set()
        beside.join()


def test_a_warc_inside_a_record_is_no_part(tmp_path: Path) -> None:
    inner = b"".join(gzip.compress(record(os.urandom(2000))) for _ in range(30))
    packed = gzip.compress(record(inner), compresslevel=0)  # its members lie there bare
    path = tmp_path / "x.warc.gz"
    path.write_bytes(gzip.compress(record(b"first")) + packed)
    starts = part_starts(path, 2)
    assert starts[1] > len(gzip.compress(record(b"first")))
    found = verify_file(path, processes=2)
    assert (found.records, found.faults) == (2, ())


def test_files_without_parts_are_read_by_one(tmp_path: Path) -> None:
    path = tmp_path / "x.warc"
    path.write_bytes(record(b"a") * 3)
    assert part_starts(path, 2) == [0]
    check(path)


def test_a_process_that_is_killed_is_no_reason_to_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.warc.gz"
    path.write_bytes(b"".join(gzip.compress(record(os.urandom(3000))) for _ in range(40)))
    here = os.getpid()

    def killed(*part: object) -> None:
        assert os.getpid() != here
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr("archive.parallel._part", killed)
    monkeypatch.setattr("archive.parallel.threading.active_count", lambda: 1)  # it is forked
    monkeypatch.setattr(killed, "__module__", "archive.parallel")
    monkeypatch.setattr(killed, "__qualname__", "_part")
    assert verify_file(path, processes=2).records == 40
