"""What is written passes every tool; what is damaged is named (archive.md §4)."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
from pathlib import Path

import pytest

from archive.capture.exchange import Exchange
from archive.clock import utc_now
from archive.errors import NotAnArchiveError, StoreError
from archive.reader import read_payload, walk
from archive.record import FaultKind, Record, RecordRef
from archive.verify import VerdictWord, verify_file
from archive.writer import CaptureWriter, WarcSummary


def exchange(url: str, body: bytes, *, raw: bool = False) -> Exchange:
    headers = [("Content-Type", "text/html; charset=utf-8")]
    headers += [("Transfer-Encoding", "chunked")] if raw else [("Content-Length", str(len(body)))]
    return Exchange(
        url, utc_now(), "GET", "/", [("Host", "example.org")], b"", "200 OK", headers,
        io.BytesIO(body), len(body), "192.0.2.1", None, None, "document", raw_transfer=raw,
    )  # fmt: skip


@pytest.fixture
def warc(tmp_path: Path) -> WarcSummary:
    writer = CaptureWriter(
        tmp_path / "capture.warc.gz",
        capture_id="01",
        software="test\r\nWARC-Type: forged",
        instance="instance",
    )
    main = writer.exchange(exchange("http://example.org/ä b", "棉花 القطن".encode()))
    writer.exchange(exchange("http://example.org/c", b"5\r\nhello\r\n0\r\n\r\n", raw=True))
    writer.resource("urn:text:x", "text/plain", b"abc", at=utc_now(), concurrent_to=main)
    return writer.finish({"outcome": "complete"}, target="http://example.org/")


def test_every_tool_passes_it(warc: WarcSummary) -> None:
    commands = (
        [str(Path(sys.executable).with_name("warcio")), "check", "-v", str(warc.path)],
        ["gzip", "-t", str(warc.path)],
    )
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
    verdict = verify_file(warc.path)
    assert (verdict.verdict, verdict.records) == (VerdictWord.INTACT, warc.records)


def test_a_title_cannot_forge_a_header(warc: WarcSummary) -> None:
    kinds = [record.type for record in warc.record_list]
    assert kinds == [
        "warcinfo", "response", "request", "response", "request", "resource", "metadata",
    ]  # fmt: skip


def test_what_was_written_is_read_back(warc: WarcSummary) -> None:
    main = warc.record_list[1]
    payload = read_payload(warc.path, RecordRef(main.offset, main.length), limit=1000)
    assert payload.body.decode() == "棉花 القطن"
    chunked = warc.record_list[3]
    payload = read_payload(warc.path, RecordRef(chunked.offset, chunked.length), limit=1000)
    assert payload.body == b"hello"
    assert chunked.payload_digest is None


def test_a_finished_file_is_never_overwritten(warc: WarcSummary) -> None:
    writer = CaptureWriter(warc.path, capture_id="02", software="s", instance="i")
    with pytest.raises(StoreError, match="never overwritten"):
        writer.finish({}, target="http://example.org/")
    writer.abandon()
    assert verify_file(warc.path).verdict is VerdictWord.INTACT


def test_abandoning_leaves_nothing(tmp_path: Path) -> None:
    with CaptureWriter(tmp_path / "x.warc.gz", capture_id="1", software="s", instance="i"):
        pass
    assert list(tmp_path.iterdir()) == []


def changed(warc: WarcSummary, change: str) -> Path:
    data = warc.path.read_bytes()
    middle = warc.record_list[1].offset + 40
    last = warc.record_list[-1].offset + 40
    made = {
        "truncated": data[:-20],
        "flip in the middle": data[:middle] + bytes([data[middle] ^ 4]) + data[middle + 1 :],
        "flip at the end": data[:last] + bytes([data[last] ^ 4]) + data[last + 1 :],
        "garbage after": data + b"garbage",
        "one member": gzip.compress(gzip.decompress(data)),
        "torn, then good": data[: warc.record_list[2].offset - 30] + data,
    }[change]
    path = warc.path.with_name("changed.warc.gz")
    path.write_bytes(made)
    return path


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ("truncated", VerdictWord.TRUNCATED),
        ("flip in the middle", VerdictWord.DAMAGED),
        ("flip at the end", VerdictWord.DAMAGED),
        ("garbage after", VerdictWord.DAMAGED),
        ("one member", VerdictWord.DAMAGED),
        ("torn, then good", VerdictWord.DAMAGED),
    ],
)
def test_damage_is_named(warc: WarcSummary, change: str, verdict: VerdictWord) -> None:
    found = verify_file(changed(warc, change))
    assert found.verdict is verdict
    assert found.faults


def test_the_records_after_a_flipped_bit_are_still_read(warc: WarcSummary) -> None:
    found = list(walk(changed(warc, "flip in the middle")))
    assert sum(isinstance(one, Record) for one in found) == warc.records - 1


def test_every_byte_is_accounted_for(warc: WarcSummary) -> None:
    refs = [one.ref for one in walk(warc.path) if isinstance(one, Record)]
    assert refs[0].offset == 0
    assert all(
        one.offset + one.length == following.offset
        for one, following in zip(refs, refs[1:], strict=False)
    )
    assert refs[-1].offset + refs[-1].length == warc.size


def test_a_short_http_body_is_named(tmp_path: Path) -> None:
    path = tmp_path / "short.warc"
    block = b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nhello world"
    head = (
        "WARC/1.1\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:1>\r\n"
        "WARC-Date: 2026-01-01T00:00:00Z\r\nWARC-Target-URI: http://example.org/\r\n"
        f"Content-Type: application/http\r\nContent-Length: {len(block)}\r\n\r\n"
    )
    path.write_bytes(head.encode() + block + b"\r\n\r\n")
    assert [fault.kind for fault in verify_file(path).faults] == [FaultKind.HTTP_LENGTH]


def test_what_is_no_warc_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.pdf"
    path.write_bytes(b"%PDF-1.7")
    with pytest.raises(NotAnArchiveError, match="no WARC"):
        verify_file(path)


def test_a_record_taken_out_whole_is_missed(warc: WarcSummary) -> None:
    data = warc.path.read_bytes()
    one = warc.record_list[2]
    path = warc.path.with_name("fewer.warc.gz")
    path.write_bytes(data[: one.offset] + data[one.offset + one.length :])
    found = verify_file(path)
    assert found.verdict is VerdictWord.DAMAGED
    assert [(fault.kind, fault.record_id) for fault in found.faults] == [
        (FaultKind.MISSING_RECORD, one.record_id)
    ]
