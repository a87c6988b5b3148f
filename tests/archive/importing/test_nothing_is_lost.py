"""Whatever a file holds is imported or told: no page, record or fault is passed over."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from pypdfium2 import PdfDocument

from archive.capture.outcome import Outcome
from archive.importing.found import MISSING_BODY, FoundPage, PageKind, Summary, load_records
from archive.reader import read_payload
from archive.record import RecordRef
from archive.verdict import VerdictWord

Read = Callable[[str, bytes], tuple[Summary, list[FoundPage], Path]]
ADDRESS = "http://example.org/"


def record(
    address: str = ADDRESS, words: str = "", *, kind: str = "response", status: int = 200,
    content_type: str = "text/html", more: str = "", head: str = "",
) -> bytes:  # fmt: skip
    """Write a WARC record with an HTTP answer."""
    body = f"<html><body><p>{words}</p></body></html>".encode() if words else b""
    typed = f"Content-Type: {content_type}\r\n" if content_type else ""
    block = f"HTTP/1.1 {status} Said\r\n{typed}{head}\r\n".encode() + body
    top = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:test:{kind}:{address}:{status}>\r\n"
        f"WARC-Target-URI: {address}\r\nWARC-Date: 2024-01-01T00:00:00Z\r\n{more}"
        "Content-Type: application/http; msgtype=response\r\n"
        f"Content-Length: {len(block)}\r\n\r\n"
    )
    return top.encode() + block + b"\r\n\r\n"


def packed(*records: bytes) -> bytes:
    return b"".join(gzip.compress(one) for one in records)


def wacz(listed: list[object], **members: bytes) -> bytes:
    """Write a package; what is wrong with its own list is told too, and not looked at here."""
    out = io.BytesIO()
    lines = [json.dumps({"format": "json-pages-1.0"})]
    lines += [one if isinstance(one, str) else json.dumps(one) for one in listed]
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("pages/pages.jsonl", "\n".join(lines))
        for name, data in members.items():
            made.writestr(name, data)
    return out.getvalue()


def told(summary: Summary, *words: str) -> bool:
    return any(all(word in fault for word in words) for fault in summary.faults)


def test_a_damaged_first_record_hides_none_of_the_others(read: Read) -> None:
    first, others = (
        packed(record(words="first")),
        packed(record(f"{ADDRESS}2", words="two"), record(f"{ADDRESS}3", words="three")),
    )
    damaged = bytearray(first)
    damaged[40] ^= 0xFF
    summary, pages, _work = read("x.warc.gz", bytes(damaged) + others)
    assert {page.address for page in pages} == {f"{ADDRESS}2", f"{ADDRESS}3"}
    assert summary.verdict is VerdictWord.DAMAGED
    assert summary.faults


def test_damage_with_no_record_after_it_is_no_archive(read: Read) -> None:
    damaged = bytearray(packed(record(words="first")))
    damaged[40] ^= 0xFF
    summary, pages, _work = read("x.warc.gz", bytes(damaged) + gzip.compress(b"no record"))
    assert "damaged at its beginning" in summary.refused
    assert pages == []


def test_a_file_that_is_no_warc_does_not_move_the_pages_of_the_next(read: Read) -> None:
    good = packed(record(words="good"))
    data = wacz(
        [{"url": ADDRESS}],
        **{"archive/0.warc.gz": b"nothing of the kind", "archive/1.warc.gz": good},
    )
    summary, (page,), work = read("x.wacz", data)
    assert told(summary, "archive/0.warc.gz", "not read")
    assert summary.warcs[page.warc].name == "1.warc.gz"
    assert [one.warc for one in load_records(work)] == [page.warc]
    path = work / summary.warcs[page.warc].path
    assert path.read_bytes() == good


def test_a_listed_page_without_a_record_is_told(read: Read) -> None:
    listed = [
        {"url": "http://example.org"}, {"url": f"{ADDRESS}gone#part"}, {"url": f"{ADDRESS}moved"},
        {"url": f"{ADDRESS}feed"}, '{"url": "http://broken',
    ]  # fmt: skip
    held = packed(
        record(words="here"),
        record(f"{ADDRESS}feed", "<item>", content_type="text/plain"),
        record(f"{ADDRESS}moved", status=301, head="Location: /\r\n"),
    )
    summary, pages, _work = read("x.wacz", wacz(listed, **{"archive/a.warc.gz": held}))
    assert {page.address for page in pages if page.proposed} == {ADDRESS, f"{ADDRESS}feed"}
    lost = [fault for fault in summary.faults if "listed page not found" in fault]
    assert [fault.partition(": ")[0] for fault in lost] == [f"{ADDRESS}gone"]
    assert told(summary, "pages/pages.jsonl", "no JSON")


def test_archives_where_no_reader_looks_are_told(read: Read) -> None:
    good = packed(record(words="good"))
    data = wacz(
        [], **{"archive/a.warc.gz": good, "warcs/b.warc.gz": good, "archive/c.warc.gz.open": good}
    )
    summary, pages, _work = read("x.wacz", data)
    assert len(pages) == 1
    assert told(summary, "warcs/b.warc.gz", "outside")
    assert told(summary, "archive/c.warc.gz.open", "not read")


def test_files_of_one_name_in_two_folders_are_both_read(read: Read) -> None:
    data = wacz(
        [],
        **{
            "archive/1/a.warc.gz": packed(record(words="one")),
            "archive/2/a.warc.gz": packed(record(f"{ADDRESS}2", words="two")),
        },
    )
    _summary, pages, _work = read("x.wacz", data)
    assert [page.text.strip() for page in pages] == ["one", "two"]


@pytest.mark.parametrize("in_package", [False, True])
def test_records_packed_together_late_in_a_file_are_read_each_for_itself(
    read: Read, *, in_package: bool
) -> None:
    single = [record(f"{ADDRESS}{number}", f"words {number}") for number in range(6)]
    together = record(f"{ADDRESS}6", "words 6") + record(f"{ADDRESS}7", "words 7")
    data = packed(*single, together)
    name = "x.warc.gz"
    if in_package:
        name, data = "x.wacz", wacz([], **{"archive/a.warc.gz": data})
    summary, pages, work = read(name, data)
    assert [page.text.strip() for page in pages] == [f"words {number}" for number in range(8)]
    assert told(summary, "one packed member")
    assert summary.records == 8
    last = pages[-1]
    path = work / summary.warcs[last.warc].path
    held = read_payload(path, RecordRef(last.offset, last.length), limit=9999)
    assert b"words 7" in held.body


def test_a_record_that_cannot_be_opened_is_no_other_page(read: Read) -> None:
    together = record(f"{ADDRESS}1", "words 1") + record(f"{ADDRESS}2", "words 2")
    broken = bytearray(gzip.compress(record(f"{ADDRESS}3", "words 3")))
    broken[-6] ^= 1  # its CRC: the file cannot be packed anew
    _summary, pages, _work = read("x.warc.gz", packed(together) + bytes(broken))
    first, second = pages
    assert (first.text.strip(), second.text) == ("words 1", "")
    assert (second.outcome, second.proposed) == (Outcome.PARTIAL, False)
    assert "cannot be opened by itself" in second.reason


def test_a_warc_that_ends_inside_bzip2_is_told(read: Read) -> None:
    whole = record(words="one") + record(f"{ADDRESS}2", "two")
    summary, pages, _work = read("x.warc.bz2", bz2.compress(whole[:-30]))
    assert [page.address for page in pages] == [ADDRESS]
    assert summary.verdict is VerdictWord.TRUNCATED
    assert told(summary, "the file ends after")


def test_what_follows_a_bzip2_stream_is_not_dropped(read: Read) -> None:
    one, two = bz2.compress(record(words="one")), bz2.compress(record(f"{ADDRESS}2", "two"))
    assert "cannot be unpacked" in read("x.warc.bz2", one + b"?" + two)[0].refused


def test_streams_of_bzip2_are_all_read(read: Read) -> None:
    one, two = bz2.compress(record(words="one")), bz2.compress(record(f"{ADDRESS}2", "two"))
    assert len(read("x.warc.bz2", one + two)[1]) == 2


def test_records_an_arc_loses_when_written_anew_are_counted(read: Read, shared: Path) -> None:
    found = sorted((shared / "corpora/warc").rglob("*.arc.gz"))
    data = bytearray(next(one for one in found if one.stat().st_size > 20_000).read_bytes())
    data[len(data) // 2] ^= 1
    summary, _pages, _work = read("x.arc.gz", bytes(data))
    assert summary.refused or told(summary, "ARC", "not all of it read")


def test_revisits_are_what_their_originals_are(read: Read, shared: Path) -> None:
    report = next((shared / "corpora").rglob("*.pdf"), None)
    body = report.read_bytes() if report else b"%PDF-1.4 broken"
    block = b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\n\r\n" + body
    paper = (
        "WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:test:paper>\r\n"
        f"WARC-Target-URI: {ADDRESS}p\r\nWARC-Date: 2024-01-01T00:00:00Z\r\n"
        f"Content-Type: application/http\r\nContent-Length: {len(block)}\r\n\r\n"
    ).encode() + block + b"\r\n\r\n"  # fmt: skip
    refers = (
        f"WARC-Refers-To-Target-URI: {ADDRESS}\r\nWARC-Refers-To-Date: 2024-01-01T00:00:00Z\r\n"
    )
    data = packed(
        record(words="page"), paper,
        record(f"{ADDRESS}later", kind="revisit", status=304, content_type="", more=refers),
        record(f"{ADDRESS}copy", kind="revisit", more="WARC-Refers-To: <urn:test:paper>\r\n"),
        record(f"{ADDRESS}elsewhere.pdf", kind="revisit", content_type="application/pdf",
               more="WARC-Refers-To: <urn:test:none>\r\n"),
        record(f"{ADDRESS}unknown", kind="revisit", content_type="",
               more="WARC-Refers-To: <urn:test:none>\r\n"),
        record(f"{ADDRESS}old", kind="revisit", status=302, head="Location: /\r\n"),
    )  # fmt: skip
    summary, pages, _work = read("x.warc.gz", data)
    found = {page.address: page for page in pages}
    assert found.keys() == {
        ADDRESS, f"{ADDRESS}p", f"{ADDRESS}later", f"{ADDRESS}copy", f"{ADDRESS}elsewhere.pdf",
    }  # fmt: skip
    later = found[f"{ADDRESS}later"]
    assert (later.text.strip(), later.outcome, later.proposed) == ("page", Outcome.COMPLETE, True)
    assert "not modified" in later.reason
    assert found[f"{ADDRESS}copy"].kind is PageKind.DOCUMENT
    assert found[f"{ADDRESS}elsewhere.pdf"].reason.startswith(MISSING_BODY)
    assert found[ADDRESS].redirected_from == (f"{ADDRESS}old",)
    assert any(remark.startswith("1 revisits in") for remark in summary.remarks)


def test_pages_of_a_server_in_trouble_are_shown_unticked(read: Read) -> None:
    data = packed(record(words="one moment", status=503), record(f"{ADDRESS}2", "ok"))
    _summary, pages, _work = read("x.warc.gz", data)
    assert [(page.status, page.proposed) for page in pages] == [(503, False), (200, True)]


def test_pages_beyond_the_limit_are_counted(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archive.importing.warcs._MOST_CANDIDATES", 2)
    data = packed(*(record(f"{ADDRESS}{number}", "words") for number in range(5)))
    summary, pages, _work = read("x.warc.gz", data)
    assert len(pages) == 2
    assert told(summary, "3 answers beyond the first 2")


MHTML = (
    "From: <Saved by Blink>\r\nSnapshot-Content-Location: https://s.example/\r\n"
    "MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=B\r\n\r\n"
    "--B\r\nContent-Type: text/html\r\nContent-Location: https://s.example/\r\n\r\n<p>text\r\n"
    "--B\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n"
    "Content-Location: https://s.example/a.png\r\n\r\niVBORw0KGgo=\r\n--B--\r\n"
)


def test_an_mhtml_page_that_is_cut_off_says_so(read: Read) -> None:
    summary, (page,), _work = read("x.mhtml", MHTML[: MHTML.index("KGgo=")].encode())
    assert (page.outcome, summary.verdict) == (Outcome.PARTIAL, VerdictWord.DAMAGED)
    assert "cut off" in page.reason
    assert told(summary, "cut off")


def test_a_whole_mhtml_page_is_whole(read: Read) -> None:
    summary, (page,), _work = read("x.mhtml", MHTML.encode())
    assert (page.outcome, summary.faults) == (Outcome.COMPLETE, [])


def har(*entries: object, pages: tuple[str, ...] = ()) -> bytes:
    named = [{"id": name, "title": f"Page {name}"} for name in pages]
    return json.dumps({"log": {"entries": entries, "pages": named}}).encode()


def entry(url: str, status: int = 200, page: str = "", **content: object) -> dict[str, object]:
    return {
        "startedDateTime": "2021-03-04T05:06:07Z", "request": {"method": "GET", "url": url},
        "response": {"status": status, "headers": content.pop("headers", []), "content": content},
        "pageref": page,
    }  # fmt: skip


def test_pages_of_a_har_are_found_by_the_type_it_keeps_or_told(read: Read) -> None:
    moved = [{"name": "Location", "value": "/new"}]
    data = har(
        entry("https://s.example/old", 302, headers=moved),
        entry("https://s.example/new", page="a", mimeType="text/html", text="<p>words"),
        entry(
            "https://s.example/b.png", mimeType="image/png", encoding="base64", text="not*base64"
        ),
        pages=("a", "b"),
    )
    summary, (page,), _work = read("x.har", data)
    assert page.text.strip() == "words"
    assert page.redirected_from == ("https://s.example/old",)
    assert told(summary, "page b", "no HTML of it")
    assert told(summary, "entry 2", "no base64")


def test_bytes_a_zip_names_nowhere_are_told(read: Read) -> None:
    whole = wacz([], **{"a.html": b"<html><p>words</p></html>"}).replace(
        b"pages/pages.jsonl", b"pages/pages.txt__"
    )
    out = io.BytesIO(whole)
    with zipfile.ZipFile(out, "a") as made:
        made.filelist = [one for one in made.filelist if one.filename == "a.html"]
        made.NameToInfo = {one.filename: one for one in made.filelist}
        made.writestr("b.html", "<html><p>more</p></html>")
    summary, _pages, _work = read("x.zip", out.getvalue())
    assert [member.name for member in summary.members] == ["a.html", "b.html"]
    assert told(summary, "no entry of the ZIP names")


def test_pages_of_a_pdf_without_a_picture_are_counted(read: Read) -> None:
    made = PdfDocument.new()
    for _ in range(41):
        made.new_page(100, 100)
    out = io.BytesIO()
    made.save(out)
    summary, _pages, _work = read("x.pdf", out.getvalue())
    assert any("made of 40 of its 41 pages" in remark for remark in summary.remarks)
