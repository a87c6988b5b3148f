"""A derived copy without cookies: nothing else is changed, everything changed is listed."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from annotate.cli import holdfast
from archive.capture.exchange import Exchange
from archive.errors import NotAnArchiveError, StoreError
from archive.reader import read_block, read_payload, walk
from archive.record import DigestState, Fault, Record
from archive.redact import find_strings, redact
from archive.verdict import VerdictWord
from archive.verify import verify_file
from archive.writer import CaptureWriter

SECRETS = (b"request-secret", b"response-secret", b"bearer-secret", b"head-secret", b"pair-secret")
NAME = "Ана Ахметова"
NOW = datetime(2026, 11, 25, 12, 0, 0, 1, tzinfo=UTC)


def make(path: Path) -> Path:
    body = f"<p>signed in as {NAME}".encode("windows-1251")
    with CaptureWriter(path, capture_id="c", software="s", instance="i") as writer:

        def exchange(url: str, cookie: bool) -> str:
            sent = [("Host", "x"), ("Cookie", "sid=request-secret"),
                    ("authorization", "Bearer bearer-secret")]  # fmt: skip
            got = [("Content-Type", "text/html; charset=windows-1251"),
                   ("SET-COOKIE", "sid=response-secret; Path=/"), ("Set-Cookie", "b=response-secret"),
                   ("Content-Length", str(len(body)))]  # fmt: skip
            return writer.exchange(
                Exchange(
                    url, NOW, "GET", "/", sent if cookie else sent[:1], b"", "200 OK",
                    got if cookie else [got[0], got[3]], io.BytesIO(body), len(body), "9.9.9.9",
                    None, None, "document",
                )
            )  # fmt: skip

        main = exchange("http://x/", cookie=True)
        exchange("http://x/plain", cookie=False)
        heads = {main: "HTTP/1.1 200 OK\r\nSet-Cookie: a=head-secret\r\n folded\r\nA: b\r\n\r\n"}
        socket = {"request": {"Cookie": "pair-secret", "Host": "x"},
                  "headers": [["Cookie", "pair-secret"], ["A", "b"]],
                  "list": [{"name": "cookie", "value": "pair-secret"}]}  # fmt: skip
        for kind, value in (("heads", heads), ("websocket", socket), ("other", {"a": "b"})):
            writer.resource(
                f"urn:{kind}:http://x/", "application/json", json.dumps(value).encode(),
                at=NOW, concurrent_to=main,
            )  # fmt: skip
        writer.finish({"a": "b"}, target="http://x/")
    return path


def records(path: Path) -> list[Record]:
    found = list(walk(path))
    assert not [one for one in found if isinstance(one, Fault)]
    return [one for one in found if isinstance(one, Record)]


def test_secrets_are_gone_and_the_rest_is_byte_for_byte_the_same(tmp_path: Path) -> None:
    original = make(tmp_path / "capture.warc.gz")
    before = original.read_bytes()
    made = redact(original, tmp_path / "copy.warc.gz")
    assert original.read_bytes() == before
    copy = made.path.read_bytes()
    plain = gzip.decompress(copy)
    assert not [secret for secret in SECRETS if secret in plain]
    assert [secret for secret in SECRETS if secret in gzip.decompress(before)] == list(SECRETS)
    old, new = records(original), records(made.path)
    assert len(new) == len(old) + 1
    changed = {one.original_id: one for one in made.changes}
    assert len(changed) == 4
    for was, is_now in zip(old, new[:-1], strict=True):
        if was.record_id not in changed:
            ours = before[was.ref.offset :][: was.ref.length]
            assert copy[is_now.ref.offset :][: is_now.ref.length] == ours
            continue
        told = changed[was.record_id]
        assert is_now.record_id == told.record_id != was.record_id
        assert is_now.header("Holdfast-Redacted-From") == was.record_id
        assert is_now.header("WARC-Block-Digest") == told.digest
        assert (is_now.type, is_now.target, is_now.date) == (was.type, was.target, was.date)
        assert is_now.block_digest is DigestState.MATCHES
        if was.type == "response":
            payloads = [
                read_payload(path, one.ref, limit=10_000).body
                for path, one in ((original, was), (made.path, is_now))
            ]
            assert payloads[0] == payloads[1]
            assert is_now.header("WARC-Payload-Digest") == was.header("WARC-Payload-Digest")
    assert made.kept == len(old) - 4


def test_the_copy_says_what_it_is_and_passes_every_check(tmp_path: Path) -> None:
    original = make(tmp_path / "capture.warc.gz")
    made = redact(original, tmp_path / "copy.warc.gz")
    last = records(made.path)[-1]
    sha256 = hashlib.sha256(original.read_bytes()).hexdigest()
    assert last.target == f"urn:redaction:{sha256}"
    told = json.loads(read_block(made.path, last.ref, limit=100_000)[1])
    assert told["original_sha256"] == sha256
    assert [one["headers"] for one in told["records_changed"]] == [
        ["set-cookie"], ["cookie", "authorization"], ["set-cookie"], ["cookie"],
    ]  # fmt: skip
    assert verify_file(made.path).verdict is VerdictWord.INTACT
    tool = str(Path(sys.executable).with_name("warcio"))
    subprocess.run([tool, "check", "-v", str(made.path)], check=True, capture_output=True)


def test_a_plain_warc_stays_plain(tmp_path: Path) -> None:
    original = tmp_path / "plain.warc"
    original.write_bytes(gzip.decompress(make(tmp_path / "c.warc.gz").read_bytes()))
    made = redact(original, tmp_path / "copy.warc")
    assert made.path.read_bytes().startswith(b"WARC/1.1")
    assert len(records(made.path)) == len(records(original)) + 1


def test_nothing_is_derived_from_a_damaged_file_and_nothing_overwritten(tmp_path: Path) -> None:
    original = make(tmp_path / "capture.warc.gz")
    whole = original.read_bytes()
    original.write_bytes(whole[:-20])
    with pytest.raises(NotAnArchiveError, match="not intact"):
        redact(original, tmp_path / "copy.warc.gz")
    original.write_bytes(whole)
    (tmp_path / "copy.warc.gz").write_bytes(b"mine")
    with pytest.raises(StoreError, match="exists"):
        redact(original, tmp_path / "copy.warc.gz")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["capture.warc.gz", "copy.warc.gz"]


def test_the_identity_is_found_in_whatever_charset(tmp_path: Path) -> None:
    original = make(tmp_path / "capture.warc.gz")
    seen = list(find_strings(original, [NAME.upper(), "nobody", ""]))
    assert {(one.target, one.times) for one in seen} == {("http://x/", 1), ("http://x/plain", 1)}


def test_the_command_says_what_is_still_there(tmp_path: Path) -> None:
    original = make(tmp_path / "capture.warc.gz")

    def run(copy: str, *words: str) -> Any:
        return CliRunner().invoke(
            holdfast, ["--json", "redact", str(original), str(tmp_path / copy), *words],
            standalone_mode=False,
        )  # fmt: skip

    clean = run("a.warc.gz")
    assert clean.return_value == 0
    found = run("b.warc.gz", "--identity", NAME)
    assert found.return_value == 1
    told = json.loads(found.stdout)
    assert len(told["records_changed"]) == 4
    assert {one["target"] for one in told["identity_found"]} == {"http://x/", "http://x/plain"}
