"""Codings undone, bytes turned into text, pages into words and facts."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import brotli
import pytest
import zstandard

from archive.content import decode_http_body, decode_text
from archive.errors import DamagedRecordError
from archive.markup import uncrowded
from archive.page import DatePrecision, read_date, read_facts
from archive.text import render_text

WORDS = "棉花 القطن хлопок پاختا ".encode() * 50


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress(WORDS)),
        ("deflate", zlib.compress(WORDS)),
        ("deflate", zlib.compress(WORDS)[2:-4]),
        ("br", brotli.compress(WORDS)),
        ("zstd", zstandard.compress(WORDS)),
        ("identity", WORDS),
        ("gzip, br", brotli.compress(gzip.compress(WORDS))),
    ],
)
def test_codings_are_undone(coding: str, packed: bytes) -> None:
    assert decode_http_body([("Content-Encoding", coding)], packed, limit=100_000) == WORDS


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress(bytes(10_000_000))),
        ("br", brotli.compress(bytes(10_000_000))),
        ("zstd", zstandard.compress(bytes(10_000_000))),
        ("deflate", zlib.compress(bytes(10_000_000))),
        ("gzip", b"\x1f\x8b\x08garbage that is none"),
        ("sdch", b"x"),
        ("gzip," * 9, b"x"),
    ],
)
def test_bombs_and_lies_are_named(coding: str, packed: bytes) -> None:
    with pytest.raises(DamagedRecordError):
        decode_http_body([("Content-Encoding", coding)], packed, limit=100_000)


def test_a_few_bytes_that_stand_for_much_take_no_memory() -> None:
    bomb = brotli.compress(bytes(50_000_000), quality=5)
    assert len(bomb) < 1000
    tracemalloc.start()
    try:
        with pytest.raises(DamagedRecordError, match="unpacks to more"):
            decode_http_body([("Content-Encoding", "br")], bomb, limit=1_000_000)
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


def test_unknown_and_heaped_codings_are_named() -> None:
    with pytest.raises(DamagedRecordError, match="'compress' is unknown"):
        decode_http_body([("Content-Encoding", "compress")], b"x", limit=1000)
    heaped = gzip.compress(gzip.compress(gzip.compress(WORDS)))
    with pytest.raises(DamagedRecordError, match="3 codings"):
        decode_http_body([("Content-Encoding", "gzip, gzip, gzip")], heaped, limit=100_000)
    twice = [("Transfer-Encoding", "gzip, chunked"), ("Content-Encoding", "br")]
    body = gzip.compress(brotli.compress(WORDS))
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    assert decode_http_body(twice, chunked, limit=100_000) == WORDS


def test_a_zstd_body_may_not_ask_for_a_gigabyte_of_window() -> None:
    wide = zstandard.ZstdCompressionParameters(window_log=30, write_content_size=False)
    packer = zstandard.ZstdCompressor(compression_params=wide).compressobj()
    body = packer.compress(WORDS) + packer.flush()
    with pytest.raises(DamagedRecordError, match="not zstd as declared"):
        decode_http_body([("Content-Encoding", "zstd")], body, limit=100_000)


def test_chunks_are_undone_whatever_their_spelling() -> None:
    body = b"5;x=1\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: x\r\n\r\n"
    assert decode_http_body([("Transfer-Encoding", "Chunked")], body, limit=100) == b"hello world"


@pytest.mark.parametrize(
    ("data", "content_type", "text"),
    [
        ("棉花".encode("gb18030"), "text/html; charset=gb2312", "棉花"),
        ("القطن".encode("cp1256"), "text/html; charset=windows-1256", "القطن"),
        (b"\xef\xbb\xbfx", "text/html; charset=latin1", "x"),
        (
            "<meta charset=koi8-r>хлопок".encode("koi8-r"),
            "text/html",
            "<meta charset=koi8-r>хлопок",
        ),
        ("پاختا".encode(), "text/html; charset=Big5_Solaris", "پاختا"),
    ],
)
def test_bytes_become_text(data: bytes, content_type: str, text: str) -> None:
    assert decode_text(data, content_type) == text


def test_text_is_what_a_reader_sees() -> None:
    made = render_text(
        "<html lang=zh><head><title>A\n b</title><style>x</style></head><body><h1>Kash<b>gar</b></h1>"
        "<p>one  two<br>three</p><script>no</script><p hidden>no</p><ul><li>a<li>b</ul></body>"
    )
    assert made.title == "A b"
    assert made.text == "Kashgar\none two\nthree\na\nb"
    assert made.language_claimed == "zh"
    assert made == render_text(
        "<html lang=zh><head><title>A\n b</title><style>x</style></head><body><h1>Kash<b>gar</b></h1>"
        "<p>one  two<br>three</p><script>no</script><p hidden>no</p><ul><li>a<li>b</ul></body>"
    )


def test_inline_elements_do_not_break_words_and_blocks_do() -> None:
    made = render_text(
        "<p>wo<b>rd</b> <i>an</i>other</p>x<div>y</div>z<table><tr><td>1<td>2</table>&amp;lt;&nbsp;"
        "<svg><text>no</text></svg><noscript>no</noscript><p>カ<ruby>漢<rt>kan</rt></ruby>"
    )
    assert made.text == "word another\nx\ny\nz\n1\n2\n&lt;\u00a0\nカ漢kan"


@pytest.mark.parametrize(
    "markup", ["<div>" * 30_000 + "x", "<i>" * 9000 + "x" + "</i>" * 9000, "<b><p>" * 6000 + "x"]
)
def test_pages_nested_deeper_than_any_browser_shows_are_read_all_the_same(markup: str) -> None:
    assert render_text(markup).text == "x"


def test_deep_and_empty_pages_do_no_harm() -> None:
    assert render_text("<div>" * 200 + "x").text == "x"
    assert render_text("").text == ""
    assert render_text("\x00\ud800<p>a").text.endswith("a")


def test_facts_of_a_post() -> None:
    facts = read_facts(
        "<article lang=ar><a rel=author href=/x/abc>الحساب @abc</a><time datetime="
        "'2020-01-01T01:02:03+08:00'>x</time><div itemprop=articleBody>القطن @one @two</div></article>"
    )
    assert facts.author_handles == ("abc",)
    assert facts.author == "الحساب"
    assert facts.mentions == ("one", "two")
    assert [one.precision for one in facts.dates] == [DatePrecision.SECOND]


@pytest.mark.parametrize(
    ("written", "precision"),
    [
        ("2 h", DatePrecision.UNKNOWN),
        ("2020-05-31", DatePrecision.DAY),
        ("2020-05", DatePrecision.MONTH),
        ("2020-05-31T10:00:00", DatePrecision.DAY),
        ("2020-05-31T10:00+05:00", DatePrecision.MINUTE),
        ("2020-05-31T10:00:01-05:00", DatePrecision.SECOND),
        ("2020-02-31", DatePrecision.UNKNOWN),
    ],
)
def test_dates_are_read_to_their_precision(written: str, precision: DatePrecision) -> None:
    assert read_date(written, "time").precision is precision


def test_elements_with_more_attributes_than_any_page_has_are_read_in_moments() -> None:
    """The parser takes the square of them: 110,000 took a minute and a half."""
    many = "".join(f" a{number}=1" for number in range(110_000))
    quoted = "".join(f' b{number}=">"' for number in range(20_000))
    page = f"<html><p{many}>cotton 棉花 <b>القطن</b></p><p hidden{quoted}>not seen</p>after"
    assert render_text(page).text == "cotton 棉花 القطن\nafter"


def test_attributes_are_left_alone_below_that_number() -> None:
    page = b"<p" + b"".join(b" a%d='>'" % n for n in range(4000)) + b">text a<b c>d</p>"
    assert uncrowded(page) is page
    for many in (b" x", b"/x", b' x="<p>"', b" x='>'", b'x="y"'):
        crowded = b"<i>a</i> b <p " + many * 20_000 + b" y>z"
        spared = uncrowded(crowded)
        assert spared.startswith(b"<i>a</i> b <p " + many)
        assert len(spared) < len(crowded) / 3, many
        assert spared.endswith(b">z")
