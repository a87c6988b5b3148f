"""`holdfast verify` on every row of the table that other tools get wrong, and on limits."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import zstandard
from click.testing import CliRunner

from annotate.cli import holdfast
from archive.clock import utc_now
from archive.store import Store

ROOT = Path(__file__).resolve().parents[2]


def record(
    block: bytes = b"hello", *, kind: str = "resource", digests: bool = True, more: str = ""
) -> bytes:
    head = (
        f"WARC/1.1\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:{hashlib.md5(block).hexdigest()}>\r\n"
        "WARC-Date: 2026-01-01T00:00:00Z\r\nWARC-Target-URI: http://example.org/\r\n"
        + (f"WARC-Block-Digest: sha256:{hashlib.sha256(block).hexdigest()}\r\n" if digests else "")
        + more
        + f"Content-Length: {len(block)}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


def http(body: bytes, *head: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", *head]
    block = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
    return record(block, kind="response", more="Content-Type: application/http\r\n")


MEMBERS = [
    gzip.compress(one, mtime=0)
    for one in (
        record(b"software: x\r\n", kind="warcinfo"),
        http("棉花".encode() * 50, "Content-Length: 300"),
        record(b"the last one" * 20),
    )
]
GOOD = b"".join(MEMBERS)


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 8]) + data[at + 1 :]


TABLE = {
    "good": (GOOD, "intact", ""),
    "truncated in the last record": (GOOD[:-30], "truncated", "truncated"),
    "bit flipped in the last member": (flipped(GOOD, len(GOOD) - 40), "damaged", "bad gzip member"),
    "bit flipped in a middle member": (
        flipped(GOOD, len(MEMBERS[0]) + len(MEMBERS[1]) // 2),
        "damaged",
        "bad gzip member",
    ),
    "torn record, good data appended": (
        MEMBERS[0] + MEMBERS[1][:-20] + GOOD,
        "damaged",
        "bad gzip member",
    ),
    "digests absent": (
        gzip.compress(record(digests=False)),
        "intact-without-digests",
        "",
    ),
    "whole file one gzip member": (
        gzip.compress(gzip.decompress(GOOD)),
        "damaged",
        "whole file is one gzip member",
    ),
    "garbage after the end": (GOOD + b"garbage", "damaged", "bad gzip member"),
    "body shorter than HTTP Content-Length": (
        gzip.compress(http(b"hello world", "Content-Length: 999")),
        "damaged",
        "http body is shorter than declared",
    ),
}


def verify(*paths: Path, options: tuple[str, ...] = ()) -> tuple[int, list[dict[str, Any]]]:
    done = CliRunner().invoke(
        holdfast,
        ["--json", "verify", *options, *map(str, paths)],
        standalone_mode=False,
    )
    assert done.exception is None, done.exception
    return done.return_value, [json.loads(line) for line in done.output.splitlines()]


@pytest.mark.parametrize("row", TABLE)
def test_the_table_other_tools_get_wrong(tmp_path: Path, row: str) -> None:
    data, word, kind = TABLE[row]
    path = tmp_path / "x.warc.gz"
    path.write_bytes(data)
    code, (found,) = verify(path)
    assert code == (0 if row == "good" else 1)
    assert found["verdict"] == word
    assert (kind == "") == (found["faults"] == [])
    assert kind in {one["kind"] for one in found["faults"]} | {""}


def test_records_after_the_damage_are_read_still(tmp_path: Path) -> None:
    for row, records in (
        ("bit flipped in a middle member", 2),
        ("torn record, good data appended", 4),
        ("garbage after the end", 3),
    ):
        path = tmp_path / "x.warc.gz"
        path.write_bytes(TABLE[row][0])
        assert verify(path)[1][0]["records"] == records, row


def test_it_says_so_in_words_and_keeps_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "x\x1b[2Jx.warc.gz"
    path.write_bytes(TABLE["truncated in the last record"][0])
    done = CliRunner().invoke(holdfast, ["verify", str(path)], standalone_mode=False)
    assert done.return_value == 1
    assert "truncated" in done.output
    assert "the file ends inside a packed member" in done.output
    assert "\x1b" not in done.output


def test_it_runs_without_the_web_application_and_without_a_database(tmp_path: Path) -> None:
    path = tmp_path / "x.warc.gz"
    path.write_bytes(GOOD)
    code = (
        "import sys; from annotate.cli import holdfast\n"
        f"done = holdfast.main(['verify', {str(path)!r}], standalone_mode=False)\n"
        "loaded = {'flask', 'sqlalchemy', 'whoosh', 'warcio'} & set(sys.modules)\n"
        "assert done == 0 and not loaded, (done, loaded)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


LIMITS = {
    "a head of 70 KB": record(more="X: " + "y" * 70_000 + "\r\n"),
    "a line of 20 KB": record(more="X: " + "y" * 20_000 + "\r\n"),
    "300 fields": record(more="X: y\r\n" * 300),
    "300 HTTP fields": http(b"", *(f"X{n}: y" for n in range(300))),
    "a bomb": record(b"\0" * 30_000_000),
}


@pytest.mark.parametrize("what", LIMITS)
def test_what_goes_over_a_limit_is_named_and_the_rest_is_read(tmp_path: Path, what: str) -> None:
    path = tmp_path / "x.warc.gz"
    path.write_bytes(gzip.compress(LIMITS[what]) + GOOD)
    code, (found,) = verify(path)
    assert code == 1
    assert "larger than is read" in {one["kind"] for one in found["faults"]}
    assert found["records"] >= 3


def test_a_zstd_warc_is_read_with_and_without_a_dictionary(tmp_path: Path) -> None:
    records = [gzip.decompress(one) for one in MEMBERS]
    words = zstandard.train_dictionary(4096, [http(b"%d" % n * 40, f"X: {n}") for n in range(400)])
    packed = zstandard.compress(words.as_bytes())
    for dictionary in (None, words.as_bytes(), packed):
        packer = zstandard.ZstdCompressor(
            dict_data=words if dictionary else None, write_checksum=True
        )
        data = b"".join(packer.compress(one) for one in records)
        if dictionary:
            data = b"\x5d\x2a\x4d\x18" + len(dictionary).to_bytes(4, "little") + dictionary + data
        path = tmp_path / "x.warc.zst"
        path.write_bytes(data)
        assert verify(path) == (
            0,
            [{**verify(path)[1][0], "verdict": "intact", "records": 3, "faults": []}],
        )
        path.write_bytes(flipped(data, len(data) - 30))
        code, (found,) = verify(path)
        assert (code, found["verdict"], found["records"]) == (1, "damaged", 2)
        path.write_bytes(data[:-10])
        assert verify(path)[1][0]["verdict"] == "truncated"


def test_a_zstd_window_of_a_gigabyte_is_refused(tmp_path: Path) -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=30, write_content_size=False)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    path = tmp_path / "x.warc.zst"
    path.write_bytes(zstandard.compress(record()) + packer.compress(record()) + packer.flush())
    _, (found,) = verify(path)
    assert [one["kind"] for one in found["faults"]] == ["larger than is read"]


@pytest.mark.parametrize(("begin", "name"), [(b"\x04\x22\x4d\x18", "LZ4"), (b"BZh9", "bzip2")])
def test_other_packings_are_refused_by_name(tmp_path: Path, begin: bytes, name: str) -> None:
    path = tmp_path / "x.warc.lz4"
    path.write_bytes(begin + GOOD)
    code, (found,) = verify(path)
    assert (code, found["verdict"]) == (1, "refused")
    assert name in found["faults"][0]["detail"]


def test_an_answer_to_head_has_no_body_whatever_it_declares(tmp_path: Path) -> None:
    answer = http(b"", "Content-Length: 999")
    name = answer.partition(b"WARC-Record-ID: ")[2].partition(b"\r\n")[0].decode()
    asked = record(
        b"HEAD / HTTP/1.1\r\nHost: example.org\r\n\r\n",
        kind="request",
        more=f"Content-Type: application/http\r\nWARC-Concurrent-To: {name}\r\n",
    )
    path = tmp_path / "x.warc"
    path.write_bytes(answer + asked)
    assert verify(path)[0] == 0
    path.write_bytes(answer + asked.replace(b"HEAD", b"GETT"))
    assert verify(path)[0] == 1


def test_a_capture_is_compared_with_its_manifest(tmp_path: Path) -> None:
    store = Store(tmp_path)
    folder = store.capture_folder("01", utc_now())
    path = folder / "capture.warc.gz"
    path.write_bytes(GOOD)
    listed = {"name": path.name, "sha256": hashlib.sha256(GOOD).hexdigest(), "size": len(GOOD)}
    store.write_manifest(folder, {"files": [listed], "records": 3})
    assert verify(tmp_path)[0] == 0
    path.write_bytes(b"".join(MEMBERS[:2]))  # cut where a record ends: only the manifest knows
    code, (found,) = verify(folder)
    assert code == 1
    assert {one["kind"] for one in found["faults"]} == {
        "file digest differs",
        "a record the capture lists is missing",
    }
    path.unlink()
    code, (found,) = verify(tmp_path)
    assert (code, found["faults"][0]["kind"]) == (1, "a listed file is missing")


def test_an_import_is_compared_with_its_name(tmp_path: Path) -> None:
    for data in (GOOD, b"%PDF-1.7 no archive, and kept all the same"):
        folder = tmp_path / "imports" / hashlib.sha256(data).hexdigest()
        folder.mkdir(parents=True)
        (folder / "original").write_bytes(data)
    code, found = verify(tmp_path)
    assert (code, [one["verdict"] for one in found]) == (0, ["intact", "intact"])
    (folder / "original").write_bytes(b"%PDF-1.7 changed")
    code, found = verify(tmp_path)
    assert code == 1
    assert [one["kind"] for each in found for one in each["faults"]] == ["file digest differs"]


def test_a_folder_of_nothing_is_not_good(tmp_path: Path) -> None:
    assert verify(tmp_path)[0] == 1
