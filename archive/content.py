"""Undoing what HTTP did to a body, and turning bytes into text; bounded against bombs."""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Callable, Sequence
from typing import Final

import brotli
import webencodings
import zstandard

from archive.digesting import Unchunker
from archive.errors import DamagedRecordError

_META: Final = re.compile(
    rb"""<meta[^>]{0,512}?charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE
)
_XML: Final = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_.:-]{1,40})""")
_CHARSET: Final = re.compile(r"""charset\s*=\s*["']?([^\s;"']{1,60})""", re.IGNORECASE)
_META_WINDOW: Final = 4096  # bytes; the HTML standard looks at 1024, real pages are longer
_STACK_LIMIT: Final = 2  # codings on one another, chunks apart; integrity.md §8
_ZSTD_WINDOW: Final = 8 << 20  # bytes of memory a zstd frame may ask for
_PIECE: Final = 1 << 20  # bytes unpacked at a time
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NO_CODING: Final = frozenset({"identity", "", "none", "binary", "utf-8", "utf8"})


def decode_http_body(headers: Sequence[tuple[str, str]], raw: bytes, *, limit: int) -> bytes:
    """Undo Transfer-Encoding, then Content-Encoding, in the reverse order of their lists.

    :param limit: most bytes the result may have
    :raises DamagedRecordError: a coding is unknown, does not fit the bytes, or unpacks to more
    """
    body = raw
    transfer = _codings(headers, "transfer-encoding")
    content = _codings(headers, "content-encoding")
    order = [*reversed(transfer), *reversed(content)]
    packings = [one for one in order if one != "chunked" and one not in _NO_CODING]
    if len(packings) > _STACK_LIMIT or order.count("chunked") > _STACK_LIMIT:
        raise DamagedRecordError(
            f"{len(packings)} codings are stacked on one another; at most {_STACK_LIMIT} are undone"
        )
    for coding in order:
        if coding == "chunked":
            body = _unchunked(body)
        elif coding not in _NO_CODING:
            body = _decoded(coding, body, limit)
    if len(body) > limit:
        raise DamagedRecordError(f"the body has more than {limit} bytes")
    return body


def decode_text(data: bytes, content_type: str) -> str:
    """Turn bytes into text: byte order mark, HTTP charset, meta or XML declaration, UTF-8.

    Labels are those of the WHATWG Encoding standard; a label that is none is passed over, and
    bytes that are no UTF-8 and declare nothing are read as windows-1252, as browsers do.
    """
    for mark, name in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace")
    declared = _declared(data, content_type)
    if declared is not None:
        text, _ = webencodings.decode(data, declared, errors="replace")
        return str(text)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def text_encoding(data: bytes, content_type: str) -> str:
    """Name the encoding `decode_text` reads such bytes in."""
    for mark, name in _BOMS:
        if data.startswith(mark):
            return name
    declared = _declared(data, content_type)
    if declared is not None:
        return declared
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character may be cut where the bytes end.
        return "utf-8" if error.start > len(data) - 4 else "windows-1252"
    return "utf-8"


def _declared(data: bytes, content_type: str) -> str | None:
    said = _CHARSET.search(content_type)
    labels = [said[1]] if said else []
    head = data[:_META_WINDOW]
    labels += [
        match[1].decode("ascii") for match in (_XML.search(head), _META.search(head)) if match
    ]
    for label in labels:
        encoding = webencodings.lookup(label.strip("\"'"))
        if encoding is None:
            continue
        if label is not labels[0] or not said:
            # A page that can declare itself in ASCII letters is no UTF-16 (HTML 13.2.3.2).
            return "utf-8" if encoding.name.startswith("utf-16") else str(encoding.name)
        return str(encoding.name)
    return None


def _codings(headers: Sequence[tuple[str, str]], name: str) -> list[str]:
    values = [value for key, value in headers if key.lower() == name]
    return [coding.strip().lower() for value in values for coding in value.split(",")]


def _unchunked(data: bytes) -> bytes:
    unchunker = Unchunker()
    body = unchunker.feed(data)
    # Some recorders undo the chunks and leave the header: then there is no framing to take off.
    return data if unchunker.broken and not body else body


def _decoded(coding: str, data: bytes, limit: int) -> bytes:
    decoder = _DECODERS.get(coding)
    if decoder is None:
        raise DamagedRecordError(
            f"the coding {coding!r} is unknown; the bytes are kept as they are"
        )
    if not data:
        return data
    try:
        out = decoder(data, limit)
    except (zlib.error, brotli.error, zstandard.ZstdError, EOFError) as error:
        raise DamagedRecordError(f"the body is not {coding} as declared: {error}") from error
    if len(out) > limit:
        raise DamagedRecordError(f"the body unpacks to more than {limit} bytes")
    return out


def _inflate(data: bytes, limit: int, window: int) -> bytes:
    inflate = zlib.decompressobj(window)
    return inflate.decompress(data, limit + 1)


def _gzip(data: bytes, limit: int) -> bytes:
    if not data.startswith(b"\x1f\x8b"):  # some recorders decode and leave the header
        return data
    out = bytearray()
    rest = data
    while rest.startswith(b"\x1f\x8b") and len(out) <= limit:
        inflate = zlib.decompressobj(31)
        out += inflate.decompress(rest, limit + 1 - len(out))
        rest = inflate.unused_data
    return bytes(out)


def _deflate(data: bytes, limit: int) -> bytes:
    try:
        return _inflate(data, limit, zlib.MAX_WBITS)
    except zlib.error:
        return _inflate(data, limit, -zlib.MAX_WBITS)  # raw, as some servers send it


def _brotli(data: bytes, limit: int) -> bytes:
    """Undo brotli with its own bound on output: a hundred bytes can stand for gigabytes."""
    decoder = brotli.Decompressor()
    out = bytearray(decoder.process(data, output_buffer_limit=_PIECE))
    while len(out) <= limit and not decoder.is_finished():
        made = decoder.process(b"", output_buffer_limit=_PIECE)
        if not made and decoder.can_accept_more_data():
            break  # cut off: what there was is given
        out += made
    return bytes(out)


def _zstd(data: bytes, limit: int) -> bytes:
    with zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).stream_reader(
        data, read_across_frames=True
    ) as reader:
        return bytes(reader.read(limit + 1))


_DECODERS: Final[dict[str, Callable[[bytes, int], bytes]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "brotli": _brotli,
    "zstd": _zstd,
}
