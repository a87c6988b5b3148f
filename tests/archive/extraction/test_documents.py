"""Text from PDFs, Office files and subtitles, and what hostile ones may not do."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import docx
import openpyxl
import pptx
import pytest

from archive.errors import ExtractionError
from archive.extraction import bounded
from archive.extraction.bounded import extract_bounded
from archive.extraction.extract import DocumentText, extract
from archive.extraction.kinds import DocumentKind, document_kind

ARABIC = "القطن في كاشغر"
CHINESE = "喀什的棉花"


def pdf(*pages: str) -> bytes:
    """A PDF of one line a page, written by hand (ISO 32000-1, 7.5)."""
    objects = ["<</Type/Catalog/Pages 2 0 R>>"]
    kids = " ".join(f"{4 + 2 * at} 0 R" for at in range(len(pages)))
    objects.append(f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>")
    objects.append("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
    for at, words in enumerate(pages):
        stream = f"BT /F1 12 Tf 72 720 Td ({words}) Tj ET"
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents {5 + 2 * at} 0 R"
            "/Resources<</Font<</F1 3 0 R>>>>>>"
        )
        objects.append(f"<</Length {len(stream)}>>stream\n{stream}\nendstream")
    out = "%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj{body}endobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n"
    out += "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    out += f"trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF"
    return out.encode("latin-1")


def word_file() -> bytes:
    made = docx.Document()
    made.core_properties.title = "Field report"
    made.add_heading("Heading of it")
    paragraph = made.add_paragraph("half")
    paragraph.add_run("word").bold = True
    paragraph.add_run("\ttabbed")
    made.add_paragraph(ARABIC)
    made.add_paragraph(CHINESE)
    table = made.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "left", "right"
    made.sections[0].header.paragraphs[0].text = "Header line"
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def slides() -> bytes:
    made = pptx.Presentation()
    for title in ("First slide", CHINESE):
        slide = made.slides.add_slide(made.slide_layouts[5])
        slide.shapes.title.text = title
        slide.shapes.add_textbox(0, 0, 99, 99).text_frame.text = "box text"
        slide.notes_slide.notes_text_frame.text = "said aloud"
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def sheet() -> bytes:
    made = openpyxl.Workbook()
    made.active.title = "Posts"
    made.active.append(["address", "n", ARABIC])
    made.active.append(["https://example.org/1", 17, 2.5])
    made.create_sheet("Second").append([None, CHINESE])
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


SRT = "1\r\n00:00:01,000 --> 00:00:02,000\r\n<i>Cotton</i> {\\an8}fields\r\nof Kashgar\r\n\r\n2\r\n00:00:03,000 --> 00:00:04,500\r\nقطن\r\n"
VTT = f"WEBVTT\n\nNOTE nobody says this\n\nSTYLE\n::cue {{}}\n\nintro\n00:01.000 --> 00:02.000 line:0\n<v.loud Reporter>Cotton &amp; rail\n\n00:03.000 --> 00:04.000\n{CHINESE}\n"


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (lambda: pdf("cotton picking", "second page"), DocumentKind.PDF, "cotton picking\fsecond page"),
        (word_file, DocumentKind.DOCX, f"Heading of it\nhalfword tabbed\n{ARABIC}\n{CHINESE}\nleft\nright\nHeader line"),
        (slides, DocumentKind.PPTX, f"First slide\nbox text\nsaid aloud\f{CHINESE}\nbox text\nsaid aloud"),
        (sheet, DocumentKind.XLSX, f"Posts\naddress\tn\t{ARABIC}\nhttps://example.org/1\t17\t2.5\fSecond\n\t{CHINESE}"),
        (SRT.encode, DocumentKind.SRT, "Cotton fields of Kashgar\nقطن"),
        (VTT.encode, DocumentKind.VTT, f"Reporter: Cotton & rail\n{CHINESE}"),
    ],
)  # fmt: skip
def test_every_kind_gives_its_words_in_order(
    make: Callable[[], bytes], kind: DocumentKind, text: str
) -> None:
    data = make()
    name = "film.srt" if kind is DocumentKind.SRT else ""
    assert document_kind(data, "", name) is kind
    assert extract(data, kind).text == text


def test_the_bounded_reader_says_the_same_as_the_plain_one() -> None:
    data = word_file()
    assert extract_bounded(data, DocumentKind.DOCX) == extract(data, DocumentKind.DOCX)
    assert extract(data, DocumentKind.DOCX).title == "Field report"


def test_what_bytes_say_goes_before_what_is_declared() -> None:
    assert document_kind(pdf("x"), "text/vtt", "a.docx") is DocumentKind.PDF
    assert document_kind(b"<!doctype html>", "application/pdf", "a.pdf") is None
    assert document_kind(b"PK\x03\x04 and no more", "", "a.docx") is None


def bomb(size: int = 500_000_000) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("word/document.xml", b"<a>" + b" " * size)
    return out.getvalue()


def entities() -> bytes:
    out = io.BytesIO()
    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(9))
    body = f"<!DOCTYPE w [{lol}]><w:document xmlns:w='w'><w:p><w:t>&l8;</w:t></w:p></w:document>"
    with zipfile.ZipFile(out, "w") as package:
        package.writestr("word/document.xml", body)
    return out.getvalue()


def deep() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("word/document.xml", "<w:p xmlns:w='w'>" + "<w:r>" * 500_000)
    return out.getvalue()


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (bomb, DocumentKind.DOCX), (deep, DocumentKind.DOCX),
        (lambda: b"%PDF-1.7\n" + b"\x00" * 5000, DocumentKind.PDF),
        (lambda: pdf("x")[:120], DocumentKind.PDF),
        (lambda: word_file()[:-200], DocumentKind.DOCX),
        (word_file, DocumentKind.XLSX), (lambda: b"", DocumentKind.PPTX),
        (lambda: b"1\n2\n3\n", DocumentKind.SRT), (lambda: bytes(range(256)) * 40, DocumentKind.VTT),
    ],
)  # fmt: skip
def test_hostile_and_broken_files_end_with_a_reason(
    make: Callable[[], bytes], kind: DocumentKind
) -> None:
    with pytest.raises(ExtractionError):
        extract_bounded(make(), kind, seconds=20)


def test_entities_are_not_unfolded() -> None:
    try:
        made: DocumentText | None = extract_bounded(entities(), DocumentKind.DOCX, seconds=20)
    except ExtractionError:
        made = None
    assert made is None or "lollol" not in made.text


def test_memory_and_time_are_limited() -> None:
    with pytest.raises(ExtractionError, match=r"memory|needs more"):
        extract_bounded(bomb(200_000_000), DocumentKind.DOCX, memory=150_000_000)
    with pytest.raises(ExtractionError, match="MB"):
        extract_bounded(bytes(bounded.LARGEST + 1), DocumentKind.PDF)


def test_real_files_of_others_are_read(shared: Path) -> None:
    corpora = shared / "corpora"
    read = extract((corpora / "annotation/qualcoder/ID1.docx").read_bytes(), DocumentKind.DOCX)
    assert len(read.text.split()) > 100
    texts = {
        path.parent.name: extract(path.read_bytes(), DocumentKind.SRT).text
        for path in (corpora / "text/chardet").rglob("bom-utf-*.srt")
    }
    assert len(texts) >= 3
    assert len(set(texts.values())) == 1, list(texts)
