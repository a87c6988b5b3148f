"""Heads and bodies as they come over the wire."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable

import pytest

from archive.capture.http_message import (
    HEAD_LIMIT,
    LINE_LIMIT,
    Copied,
    DeadlineError,
    Framing,
    Head,
    MalformedResponseError,
    Source,
    Truncation,
    WireBrokenError,
    copy_body,
    framing_of,
    read_head,
)
from archive.errors import StoreError

LIMIT = 1_000_000
CHUNKED = b"5\r\nhello\r\n6;name=value\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n"


def receiving(data: bytes, step: int = 65_536) -> Callable[[int], bytes]:
    stream = io.BytesIO(data)
    return lambda size: stream.read(min(size, step))


def head_of(data: bytes, step: int = 65_536) -> Head:
    return read_head(Source(receiving(data, step)))


def copied(
    data: bytes, framing: Framing, limit: int = LIMIT, step: int = 7
) -> tuple[Copied, bytes]:
    sink = io.BytesIO()
    return copy_body(Source(receiving(data, step)), sink, framing, limit), sink.getvalue()


def of_length(length: int | None) -> Framing:
    return Framing(length, chunked=False, raw_transfer=False)


IN_CHUNKS = Framing(None, chunked=True, raw_transfer=True)


@pytest.mark.parametrize("step", [1, 2, 3, 1000])
def test_a_head_is_read_the_same_however_it_arrives(step: int) -> None:
    raw = b"HTTP/1.1 200 Fine by me\r\nA: 1\r\nSet-Cookie: x\r\nset-cookie: y\r\n\r\n"
    head = head_of(raw + b"body", step)
    assert head.raw == raw
    assert (head.version, head.status_line) == ("1.1", "200 Fine by me")
    assert head.values("set-cookie") == ["x", "y"]
    assert head.exact


def test_bytes_after_the_head_are_left_for_the_body() -> None:
    source = Source(receiving(b"HTTP/1.1 200 OK\r\n\r\nbody"))
    read_head(source)
    assert source.read(100) == b"body"


def test_interim_responses_are_passed_over() -> None:
    head = head_of(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 404 Not Found\r\n\r\n")
    assert head.status == 404


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200\r\n\r\n",
        b"HTTP/1.1 200 OK\nA: 1\n\n",
        b"HTTP/1.1 200 OK\r\nA:1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: 1\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    ],
)
def test_an_odd_spelling_is_read_and_known_to_be_odd(raw: bytes) -> None:
    head = head_of(raw)
    assert head.status == 200
    assert head.raw == raw
    assert not head.exact


def test_a_carriage_return_inside_a_value_starts_no_new_header() -> None:
    head = head_of(b"HTTP/1.1 200 OK\r\nA: x\rWARC-Type: response\r\n\r\n")
    assert [name for name, _ in head.headers] == ["A"]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "without answering"),
        (b"HTTP/1.1 200 OK\r\nA: 1\r\n", "within the headers"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "status line"),
        (b"HTTP/2 200\r\n\r\n", "status line"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"x" * LINE_LIMIT + b"\r\n\r\n", "longer than"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: 1\r\n" * 300 + b"\r\n", "beyond"),
        (b"HTTP/1.1 200 OK\r\n" + (b"A: " + b"x" * 16_000 + b"\r\n") * 5 + b"\r\n", "beyond"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 30, "interim"),
    ],
)
def test_what_is_no_head_within_bounds_is_named(raw: bytes, words: str) -> None:
    assert HEAD_LIMIT < 5 * 16_000
    with pytest.raises(MalformedResponseError, match=words):
        head_of(raw)


@pytest.mark.parametrize(
    ("headers", "framing"),
    [
        (b"Content-Length: 5\r\n", of_length(5)),
        (b"Content-Length: 5\r\nContent-Length: 5\r\n", of_length(5)),
        (b"Content-Length: 5, 5\r\n", of_length(5)),
        (b"Content-Length: 5\r\nContent-Length: 6\r\n", of_length(None)),
        (b"Content-Length: -5\r\n", of_length(None)),
        (b"Content-Length: five\r\n", of_length(None)),
        (b"Content-Length: \xb2\r\n", of_length(None)),
        (b"", of_length(None)),
        (b"Transfer-Encoding: Chunked\r\nContent-Length: 3\r\n", IN_CHUNKS),
        (b"Transfer-Encoding: gzip, chunked\r\n", IN_CHUNKS),
        (b"Transfer-Encoding: gzip\r\n", Framing(None, chunked=False, raw_transfer=True)),
        (b"Transfer-Encoding: identity\r\nContent-Length: 3\r\n", of_length(3)),
    ],
)
def test_framing_follows_rfc_9112(headers: bytes, framing: Framing) -> None:
    assert framing_of(head_of(b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n")) == framing


@pytest.mark.parametrize("status", [b"204", b"304"])
def test_some_statuses_have_no_body_whatever_the_header_says(status: bytes) -> None:
    head = head_of(b"HTTP/1.1 " + status + b" X\r\nContent-Length: 5\r\n\r\n")
    assert framing_of(head) == of_length(0)


def test_a_body_of_known_length_ends_there() -> None:
    assert copied(b"hello world", of_length(5)) == (Copied(5, None, None), b"hello")


def test_a_body_without_length_ends_with_the_connection() -> None:
    assert copied(b"hello world", of_length(None)) == (Copied(11, None, None), b"hello world")


def test_chunks_are_kept_with_their_framing_and_the_entity_has_a_digest() -> None:
    entity = hashlib.sha256(b"hello world").digest()
    assert copied(CHUNKED + b"next", IN_CHUNKS) == (Copied(len(CHUNKED), None, entity), CHUNKED)


@pytest.mark.parametrize("cut", range(len(CHUNKED)))
def test_chunks_cut_anywhere_are_kept_and_marked(cut: int) -> None:
    result, kept = copied(CHUNKED[:cut], IN_CHUNKS)
    assert kept == CHUNKED[:cut]
    assert result == Copied(cut, Truncation.DISCONNECT, None)


@pytest.mark.parametrize("size", range(11))
def test_a_body_short_of_its_length_is_kept_and_marked(size: int) -> None:
    result, kept = copied(b"hello world"[:size], of_length(11))
    assert (result.truncated, kept) == (Truncation.DISCONNECT, b"hello world"[:size])


@pytest.mark.parametrize("framing", [of_length(11), of_length(None)])
@pytest.mark.parametrize("limit", range(11))
def test_a_body_beyond_the_limit_is_cut_and_marked(framing: Framing, limit: int) -> None:
    result, kept = copied(b"hello world", framing, limit)
    assert (result.truncated, kept) == (Truncation.LENGTH, b"hello world"[:limit])


@pytest.mark.parametrize("limit", range(len(CHUNKED)))
def test_chunks_beyond_the_limit_are_cut_and_marked(limit: int) -> None:
    result, kept = copied(CHUNKED, IN_CHUNKS, limit)
    assert (result.truncated, kept) == (Truncation.LENGTH, CHUNKED[:limit])


@pytest.mark.parametrize("body", [b"xyz\r\nhello\r\n", b"5\r\nhelloX\r\n", b"+5\r\nhello\r\n"])
def test_senseless_chunk_framing_ends_the_body_there(body: bytes) -> None:
    result, kept = copied(body, IN_CHUNKS)
    assert result.truncated is Truncation.DISCONNECT
    assert body.startswith(kept)


@pytest.mark.parametrize(
    ("error", "truncation"),
    [(WireBrokenError, Truncation.DISCONNECT), (DeadlineError, Truncation.TIME)],
)
def test_a_body_that_stops_with_an_error_keeps_what_came(
    error: type[Exception], truncation: Truncation
) -> None:
    pieces = iter([b"hello"])

    def receive(size: int) -> bytes:
        try:
            return next(pieces)
        except StopIteration:
            raise error("stopped") from None

    sink = io.BytesIO()
    result = copy_body(Source(receive), sink, of_length(None), LIMIT)
    assert (result.truncated, sink.getvalue()) == (truncation, b"hello")


def test_a_full_disk_is_our_error() -> None:
    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(StoreError, match="No space left"):
        copy_body(Source(receiving(b"hello")), Full(), of_length(None), LIMIT)
