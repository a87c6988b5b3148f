"""Files of every kind, read as the import reads them: what is found, claimed, and lacking."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from pypdfium2 import PdfDocument

from archive.capture.outcome import Outcome
from archive.digest import file_sha256
from archive.importing.found import (
    Basis,
    FoundPage,
    PageKind,
    Summary,
    load_records,
)
from archive.reader import read_payload, walk
from archive.record import Fault, Record, RecordRef
from archive.verdict import VerdictWord
from archive.verify import verify_file

Read = Callable[[str, bytes], tuple[Summary, list[FoundPage], Path]]


def warc_of(summary: Summary, work: Path) -> Path:
    """Return the derived WARC; it must be sound and say what it was made of."""
    path = work / summary.warcs[0].path
    assert verify_file(path).verdict is VerdictWord.INTACT
    first = next(one for one in walk(path) if isinstance(one, Record))
    body = read_payload(path, first.ref, limit=10_000).body.decode()
    assert "software: holdfast-import/1" in body
    assert "derived from" in body
    return path


def entry(url: str, **response: object) -> dict:
    return {
        "startedDateTime": "2021-03-04T05:06:07.890+08:00",
        "request": {
            "method": "GET", "url": url, "httpVersion": "h2", "cookies": [], "queryString": [],
            "headers": [{"name": ":authority", "value": "s.example"}, {"name": "accept", "value": "*/*"}],
        },
        "response": {"status": 200, "statusText": "OK", "httpVersion": "h2", "headers": [], **response},
        "cache": {}, "timings": {},
    }  # fmt: skip


def har(*entries: object, pages: list[dict] | None = None) -> bytes:
    log = {"version": "1.2", "creator": {"name": "Firefox", "version": "128"}, "entries": entries}
    return json.dumps({"log": {**log, **({"pages": pages} if pages else {})}}).encode()


def html_entry(url: str, text: str, **more: object) -> dict:
    content = {"size": len(text), "mimeType": "text/html; charset=utf-8", "text": text}
    headers = [
        {"name": "Content-Type", "value": "text/html; charset=utf-8"},
        {"name": "Content-Encoding", "value": "br"},
    ]
    return {**entry(url, content=content, headers=headers), **more}


def test_a_har_becomes_exchanges_and_says_what_it_lacks(read: Read) -> None:
    picture = base64.b64encode(b"\x89PNG pixels").decode()
    post = entry(
        "https://s.example/graphql",
        content={"mimeType": "application/json", "text": '{"a":1}'},
        headers=[{"name": "content-type", "value": "application/json"}],
    )
    post["request"] |= {
        "method": "POST",
        "postData": {"mimeType": "application/json", "text": '{"q":"ئۇيغۇر"}'},
    }
    missing = entry("https://s.example/style.css", content={"size": 99, "mimeType": "text/css"})
    failed = entry("https://s.example/gone", status=0, _error="net::ERR_ABORTED")
    data = har(
        html_entry("https://s.example/1", "<title>标题</title><p>القطن", pageref="p1"),
        entry("https://s.example/a.png", content={"encoding": "base64", "text": picture, "mimeType": "image/png"}),
        post, missing, failed, {"request": {}}, "nonsense",
        {**entry("https://s.example/2"), "startedDateTime": "yesterday"},
        pages=[{"id": "p1", "title": "Title in the HAR", "startedDateTime": "2021-03-04T05:06:07Z"}],
    )  # fmt: skip
    summary, pages, work = read("saved.har", data)
    assert (summary.kind, summary.writer, summary.fault_count) == ("har", "Firefox 128", 4)
    assert any("1 of 4 answers have no body" in remark for remark in summary.remarks)
    (page,) = pages
    assert (page.title, page.text) == ("标题", "القطن")
    assert (page.address, page.address_basis) == ("https://s.example/1", Basis.CLAIMED)
    assert page.captured_at == "2021-03-03T21:06:07.890000Z"
    path = warc_of(summary, work)
    records = {(one.type, one.target): one for one in walk(path) if isinstance(one, Record)}
    asked = records["request", "https://s.example/graphql"]
    assert read_payload(path, asked.ref, limit=9999).body.endswith('{"q":"ئۇيغۇر"}'.encode())
    answer = records["response", "https://s.example/graphql"]
    assert answer.record_id == asked.header("WARC-Concurrent-To")
    assert records["response", "https://s.example/style.css"].header("WARC-Truncated")
    main = records["response", "https://s.example/1"]
    assert main.http_header("X-Archive-Orig-Content-Encoding") == "br"
    assert read_payload(path, main.ref, limit=9999).body == "<title>标题</title><p>القطن".encode()
    picture_record = records["response", "https://s.example/a.png"]
    assert read_payload(path, picture_record.ref, limit=9999).body == b"\x89PNG pixels"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'{"log": 1}', "no “log”"),
        (b'{"log": {"entries": {}}}', "no list of entries"),
        (b'{"log": {"entries": []}}', "no entry with an answer"),
        (b'{"log": {', "no JSON"),
        (b'{"log": ' + b"[" * 100_000, "no JSON"),
        (b'{"version": 1}', "no HAR"),
    ],
)
def test_what_is_no_har_is_refused(read: Read, data: bytes, why: str) -> None:
    name = "x.json" if b"log" not in data else "x.har"
    assert why in read(name, data)[0].refused


SINGLEFILE = (
    "<!DOCTYPE html> <html lang=ar><!--\n Page saved with SingleFile \n url: https://s.example/?a=1&b=2 \n"
    " saved date: Tue Mar 05 2024 10:20:30 GMT+0530 (IST)\n--><meta charset=utf-8>"
    "<title>عنوان</title><link rel=canonical href=https://other.example/><p>نص"
)


@pytest.mark.parametrize(
    ("markup", "address", "place", "moment"),
    [
        (SINGLEFILE, "https://s.example/?a=1&b=2", "SingleFile comment", "2024-03-05T04:50:30.000000Z"),
        ("<!-- saved from url=(0021)https://s.example/p --><html><p>x", "https://s.example/p", "“saved from” comment", None),
        ("<html><link rel='x canonical' href='https://s.example/c'><p>x", "https://s.example/c", "canonical link", None),
        ("<html><meta property=og:url content=https://s.example/o><p>x", "https://s.example/o", "meta og:url", None),
        ("<html><meta name=savepage-url content='https://s.example/s'><meta name=savepage-date content='Tue Mar 05 2024 10:20:30 GMT+0000 (UTC)'><p>x",
         "https://s.example/s", "meta savepage-url", "2024-03-05T10:20:30.000000Z"),
        ("<html><!-- Mirrored from s.example/h by HTTrack Website Copier/3.x [XR&CO'2014], Tue, 05 Mar 2024 10:20:30 GMT --><p>x",
         "http://s.example/h", "HTTrack comment", "2024-03-05T10:20:30.000000Z"),
        ("<html><link rel=canonical href='javascript:alert(1)'><p>x", None, "", None),
        ("<html><p>x", None, "", None),
    ],
)  # fmt: skip
def test_a_saved_page_claims_its_address(
    read: Read, markup: str, address: str | None, place: str, moment: str | None
) -> None:
    summary, (page,), work = read("page.html", markup.encode())
    assert (page.address, page.address_from, page.captured_at) == (address, place, moment)
    assert page.address_basis is (Basis.CLAIMED if address else Basis.IMPORT)
    assert page.proposed
    path = warc_of(summary, work)
    ref = RecordRef(page.offset, page.length)
    assert read_payload(path, ref, limit=99_999).body == markup.encode()
    target = next(one.target for one in load_records(work) if one.kind == "resource")
    assert target == (address or f"urn:sha256:{file_sha256(work.parent / 'original')}")


MHTML = (
    "From: <Saved by Blink>\r\nSnapshot-Content-Location: https://s.example/1?a=b\r\nSubject: x\r\n"
    "Date: Tue, 5 Mar 2024 10:20:30 +0300\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related;"
    '\ttype="text/html";\tboundary="----B"\r\n\r\n------B\r\nContent-Type: text/html\r\n'
    "Content-ID: <f@mhtml.blink>\r\nContent-Transfer-Encoding: quoted-printable\r\n"
    "Content-Location: https://s.example/1?a=b\r\n\r\n<html><meta charset=3Dutf-8><title>=E6=A0=87</title>"
    "<link rel=3Dstylesheet href=3Dcid:css-1@mhtml.blink><img src=3Dhttps://s.example/a.png><p>=D9=86=D8=B5\r\n"
    "------B\r\nContent-Type: text/css\r\nContent-Location: cid:css-1@mhtml.blink\r\n\r\np {}\r\n------B\r\n"
    "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\nContent-Location: https://s.example/a.png\r\n\r\n"
    "iVBORw==\r\n------B\r\nContent-Type: image/png\r\n\r\nlost\r\n------B--\r\n"
)  # fmt: skip


def test_an_mhtml_page_and_its_parts(read: Read) -> None:
    summary, (page,), work = read("seite.mhtml", MHTML.encode())
    assert (page.address, page.address_from) == (
        "https://s.example/1?a=b",
        "Snapshot-Content-Location",
    )
    assert (page.captured_at, page.title, page.text) == ("2024-03-05T07:20:30.000000Z", "标", "نص")
    assert summary.writer == "Blink"
    path = warc_of(summary, work)
    targets = {one.target: one for one in walk(path) if isinstance(one, Record)}
    assert "cid:css-1@mhtml.blink" in targets
    assert read_payload(path, targets["https://s.example/a.png"].ref, limit=99).body == b"\x89PNG"
    snapshot = targets["urn:mhtml:https://s.example/1?a=b"]
    assert read_payload(path, snapshot.ref, limit=99_999).body == MHTML.encode()
    assert any("1 parts say no address" in remark for remark in summary.remarks)


def pdf(words: str) -> bytes:
    """Write a PDF of one page with a text layer and a date, by hand (ISO 32000-1)."""
    stream = f"BT /F1 24 Tf 72 700 Td ({words}) Tj ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Title(A report)/Producer(By hand)/CreationDate(D:20240305102030+03'00')>>",
    ]  # fmt: skip
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    begin = len(out)
    out += b"xref\n0 7\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % at for at in places)
    out += b"trailer<</Size 7/Root 1 0 R/Info 6 0 R>>\nstartxref\n%d\n%%%%EOF" % begin
    return bytes(out)


def test_a_pdf_is_kept_with_its_words_and_pictures(read: Read) -> None:
    data = pdf("Cotton fields")
    assert len(PdfDocument(data)) == 1
    summary, (page,), work = read("report.pdf", data)
    assert (page.kind, page.address, page.address_basis) == (PageKind.DOCUMENT, None, Basis.IMPORT)
    assert "Cotton fields" in page.text
    assert (page.title, summary.writer) == ("A report", "By hand")
    assert (page.captured_at, page.time_basis) == ("2024-03-05T07:20:30.000000Z", Basis.CLAIMED)
    path = warc_of(summary, work)
    assert read_payload(path, RecordRef(page.offset, page.length), limit=99_999).body == data
    picture = next(
        one for one in walk(path) if isinstance(one, Record) and one.record_id == page.screenshot
    )
    with Image.open(io.BytesIO(read_payload(path, picture.ref, limit=10**7).body)) as image:
        assert image.format == "PNG"
        assert image.width > 500
    with Image.open(work / str(page.thumbnail)) as small:
        assert small.width == 320


def test_a_pdf_that_cannot_be_opened_is_kept_and_says_so(read: Read) -> None:
    _summary, (page,), _work = read("broken.pdf", b"%PDF-1.7\nnothing more")
    assert page.outcome is Outcome.PARTIAL
    assert "cannot be opened" in page.reason


def picture(form: str, exif: dict[int, str] | None = None) -> bytes:
    out = io.BytesIO()
    image = Image.new("RGB", (400, 300), "teal")
    said = image.getexif()
    for tag, value in (exif or {}).items():
        said.get_ifd(0x8769)[tag] = value
    image.save(out, form, exif=said)
    return out.getvalue()


def test_a_picture_claims_when_it_was_taken_only_with_its_zone(read: Read) -> None:
    data = picture("JPEG", {0x9003: "2024:03:05 10:20:30", 0x9011: "+03:00"})
    summary, (page,), work = read("صورة.jpg", data)
    assert (page.kind, page.title, page.captured_at) == (
        PageKind.IMAGE, "صورة.jpg", "2024-03-05T07:20:30.000000Z",
    )  # fmt: skip
    record = next(
        one
        for one in walk(warc_of(summary, work))
        if isinstance(one, Record) and one.type == "resource"
    )
    assert record.content_type == "image/jpeg"


def test_a_picture_without_a_zone_says_no_instant(read: Read) -> None:
    summary, (page,), _work = read("a.jpg", picture("JPEG", {0x9003: "2024:03:05 10:20:30"}))
    assert (page.captured_at, page.time_basis) == (None, Basis.IMPORT)
    assert any("without a time zone" in remark for remark in summary.remarks)


def test_a_picture_that_is_a_bomb_is_kept_and_not_opened(read: Read) -> None:
    head = (
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
        + (90_000).to_bytes(4, "big") * 2
        + b"\x08\x02\x00\x00\x00"
    )
    import zlib

    crc = zlib.crc32(head[12:]).to_bytes(4, "big")
    _summary, (page,), _work = read("bomb.png", head + crc + b"\x00\x00\x00\x00IEND\xaeB`\x82")
    assert page.outcome is Outcome.PARTIAL
    assert "cannot be opened" in page.reason


def test_a_film_is_kept_and_asks_for_a_note(read: Read) -> None:
    seconds = 2_082_844_800 + 1_709_626_830  # 2024-03-05T08:20:30Z
    head = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + b"\x00\x00\x00\x6cmoov"
    head += b"\x00\x00\x00\x6cmvhd\x00\x00\x00\x00" + seconds.to_bytes(4, "big") + bytes(96)
    summary, (page,), work = read("film.mp4", head + bytes(100_000))
    assert (page.kind, page.captured_at) == (PageKind.VIDEO, "2024-03-05T08:20:30.000000Z")
    assert any("in a note" in remark for remark in summary.remarks)
    path = warc_of(summary, work)
    assert read_payload(
        path, RecordRef(page.offset, page.length), limit=10**6
    ).body == head + bytes(100_000)


def zipped(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in members:
            made.writestr(name, data)
    return out.getvalue()


def test_a_zip_is_taken_apart(read: Read) -> None:
    data = zipped(
        ("seiten/1.html", SINGLEFILE.encode()), ("a.jpg", picture("JPEG")), ("__MACOSX/._a.jpg", b"x"),
        ("inner.zip", zipped(("x.html", b"<html>"))), ("unknown.bin", b"\x00\x01\x02"),
    )  # fmt: skip
    summary, pages, work = read("all.zip", data)
    assert [member.name for member in summary.members] == ["seiten/1.html", "a.jpg"]
    assert (work / summary.members[0].path).read_bytes() == SINGLEFILE.encode()
    assert pages == []
    assert ["inner.zip" in fault or "unknown.bin" in fault for fault in summary.faults] == [
        True,
        True,
    ]


def test_a_warc_packed_otherwise_is_packed_anew_with_its_bytes_unchanged(
    read: Read, shared: Path
) -> None:
    plain = (shared / "corpora/warc/slyrz/test.warc").read_bytes()
    summary, _pages, work = read("test.warc.bz2", bz2.compress(plain))
    assert summary.records == 10
    copy = work / summary.warcs[0].path
    unpacked = gzip.decompress(copy.read_bytes())
    assert unpacked.endswith(plain.rstrip(b"\r\n") + b"\r\n\r\n")
    found = list(walk(copy))
    assert not [one for one in found if isinstance(one, Fault)]
    assert len(found) == 11


def test_members_cut_across_records_are_rescued(read: Read, shared: Path) -> None:
    plain = (shared / "corpora/warc/slyrz/test.warc").read_bytes()
    cut = b"".join(gzip.compress(plain[at : at + 700]) for at in range(0, len(plain), 700))
    summary, _pages, _work = read("cut.warc.gz", cut)
    assert (summary.records, summary.verdict) == (10, VerdictWord.DAMAGED)
    assert any("a copy was made" in remark for remark in summary.remarks)


def test_a_bomb_in_one_member_is_refused(read: Read) -> None:
    head = b"WARC/1.0\r\nWARC-Type: resource\r\nContent-Length: 3\r\n\r\nabc\r\n\r\n"
    bomb = gzip.compress(head + head + bytes(300_000_000), 9)
    summary, _pages, _work = read("bomb.warc.gz", bomb)
    assert "bomb" in summary.refused or summary.fault_count
    assert summary.records <= 2


def test_revisits_within_a_file_are_resolved_and_say_how(read: Read, shared: Path) -> None:
    data = shared / "corpora/warc/py-wacz/example-iana.org-chunked.warc.gz"
    path = data if data.exists() else shared / "corpora/warc/warcio/example.warc.gz"
    _summary, pages, _work = read("example.warc.gz", path.read_bytes())
    told = [page for page in pages if page.reason.startswith("a revisit: body from")]
    assert told
    assert all("found by" in page.reason and page.text for page in told)
