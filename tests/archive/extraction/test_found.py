"""Documents among the records of a WARC: found by type, name or bytes; failures said."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest

from archive.capture.exchange import Exchange
from archive.errors import ExtractionError
from archive.extraction.extract import DocumentText, extract
from archive.extraction.found import FoundDocument, Place, documents_in
from archive.extraction.kinds import DocumentKind
from archive.writer import CaptureWriter
from tests.archive.extraction.test_documents import pdf, word_file

SUBTITLES = "WEBVTT\n\n00:01.000 --> 00:02.000\n喀什的棉花 القطن\n".encode()
Body = tuple[str, bytes]


def written(
    folder: Path, answers: dict[str, Body], *, coding: str = ""
) -> tuple[Path, list[Place]]:
    path = folder / "capture.warc.gz"
    writer = CaptureWriter(path, capture_id="c", software="test", instance="i")
    for url, (declared, body) in answers.items():
        headers = [("Content-Type", declared), ("Content-Length", str(len(body)))]
        if coding:
            headers.append(("Content-Encoding", coding))
        writer.exchange(
            Exchange(
                url, datetime.now(UTC), "GET", "/", [], b"", "200 OK", headers,
                BytesIO(body), len(body), None, None, None, "document",
            )
        )  # fmt: skip
    made = writer.finish({}, target=next(iter(answers)))
    return path, [
        Place(at, one.type, one.target, one.offset, one.length, one.payload_digest)
        for at, one in enumerate(made.record_list)
    ]


def in_process(data: bytes, kind: DocumentKind, declared: str) -> DocumentText:
    return extract(data, kind, declared)


def found_in(folder: Path, answers: dict[str, Body], **more: str) -> list[FoundDocument]:
    path, places = written(folder, answers, **more)
    return documents_in(path, places, extract=in_process)


def test_each_kind_is_found_by_what_is_known_of_it(tmp_path: Path) -> None:
    found = found_in(
        tmp_path,
        {
            "https://a.example/": ("text/html", b"<p>words of the page %PDF-"),
            "https://a.example/typed": ("application/pdf", pdf("by its type")),
            "https://a.example/vague": ("application/octet-stream", pdf("by its bytes")),
            "https://a.example/report.docx": ("application/zip", word_file()),
            "https://a.example/film.vtt": ("text/plain; charset=utf-8", SUBTITLES),
            "https://a.example/picture.pdf": ("image/png", b"\x89PNG"),
        },
    )
    assert [(one.kind.value, one.address.rpartition("/")[2]) for one in found] == [
        ("pdf", "typed"), ("pdf", "vague"), ("docx", "report.docx"), ("vtt", "film.vtt"),
    ]  # fmt: skip
    assert "by its type" in found[0].text
    assert "喀什的棉花 القطن" in found[3].text
    assert not any(one.note for one in found)


def test_the_same_bytes_are_read_once(tmp_path: Path) -> None:
    same = pdf("twice")
    answers = {f"https://a.example/{at}": ("application/pdf", same) for at in range(3)}
    assert len(found_in(tmp_path, answers)) == 1


def test_codings_of_http_are_undone(tmp_path: Path) -> None:
    packed = {"https://a.example/a": ("application/pdf", gzip.compress(pdf("packed words")))}
    assert "packed words" in found_in(tmp_path, packed, coding="gzip")[0].text


@pytest.mark.parametrize("body", [b"%PDF-1.4 and then nothing", b"", b"<html>not one</html>"])
def test_what_cannot_be_read_says_so_and_stops_no_other(tmp_path: Path, body: bytes) -> None:
    broken, whole = found_in(
        tmp_path,
        {
            "https://a.example/broken": ("application/pdf", body),
            "https://a.example/whole": ("application/pdf", pdf("still read")),
        },
    )
    assert broken.text == ""
    assert broken.note
    assert not broken.put_off
    assert "still read" in whole.text


def test_a_body_that_is_not_what_its_coding_says_is_told(tmp_path: Path) -> None:
    found = found_in(tmp_path, {"https://a.example/a": ("application/pdf", b"x")}, coding="br")
    assert found[0].note


def test_what_there_was_no_time_for_is_put_off_and_named(tmp_path: Path) -> None:
    answers = {
        f"https://a.example/{at}": ("application/pdf", pdf(f"number {at}")) for at in range(3)
    }
    path, places = written(tmp_path, answers)
    moments = iter([0.0, 1.0, 99.0, 99.0])
    found = documents_in(path, places, seconds=10, extract=in_process, clock=lambda: next(moments))
    assert [one.put_off for one in found] == [False, True, True]
    assert "rebuild text" in found[1].note


def test_whatever_extraction_raises_is_a_note(tmp_path: Path) -> None:
    def fails(_data: bytes, _kind: DocumentKind, _type: str) -> DocumentText:
        raise ExtractionError("the reader was killed")

    path, places = written(tmp_path, {"https://a.example/a": ("application/pdf", pdf("x"))})
    assert [one.note for one in documents_in(path, places, extract=fails)] == [
        "the reader was killed"
    ]


def test_only_what_a_site_answered_is_looked_at(tmp_path: Path) -> None:
    path, places = written(tmp_path, {"https://a.example/a": ("application/pdf", pdf("x"))})
    asked: list[Callable[..., object]] = []
    own = [one._replace(target="urn:pdf:https://a.example/a") for one in places]
    assert documents_in(path, own, extract=lambda *_: asked.append(print) or None) == []
    assert not asked
