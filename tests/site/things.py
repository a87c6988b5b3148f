"""The small files a page is made of: pictures, a font, a film, coded bodies."""

from __future__ import annotations

import gzip
import hashlib
import struct
import zlib
from functools import cache
from pathlib import Path

import brotli
import zstandard

from tests.site.answers import Answer

ROOT = Path(__file__).resolve().parents[2]
FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf")
FILM = ROOT / "annotate/demo/static/clip.webm"
WORDS = "ئۇيغۇر پاختا 棉花 القطن хлопок — cotton. " * 60

Pairs = tuple[tuple[str, str], ...]
CROSS: Pairs = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Headers", "x-own"),
    ("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE"),
)


def typed(kind: str, *more: tuple[str, str]) -> Pairs:
    return (("Content-Type", kind), *more)


@cache
def picture(name: str, width: int = 40, height: int = 30) -> bytes:
    """A PNG of one colour that depends on the name."""
    return plain_png(bytes(hashlib.sha256(name.encode()).digest()[:3]), width, height)


def plain_png(colour: bytes, width: int, height: int) -> bytes:
    row = b"\x00" + colour * width

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(row * height))
        + chunk(b"IEND", b"")
    )


def image(name: str) -> Answer:
    return Answer(headers=typed("image/png"), body=picture(name))


def font() -> bytes:
    return FONT.read_bytes() if FONT.exists() else b"\x00\x01\x00\x00 no font here"


def film() -> bytes:
    return FILM.read_bytes()


def coded(how: str) -> Answer:
    """A text in one content coding."""
    entity = f"{how}: {WORDS}".encode()
    body = {
        "gzip": lambda: gzip.compress(entity, mtime=0),
        "deflate": lambda: zlib.compress(entity),
        "br": lambda: brotli.compress(entity),
        "zstd": lambda: zstandard.compress(entity),
    }[how]()
    headers = typed("text/plain; charset=utf-8", ("Content-Encoding", how), *CROSS)
    return Answer(headers=headers, body=body, entity=entity)


def big(size: int) -> bytes:
    """Bytes that do not compress away, the same each time."""
    block = hashlib.shake_256(b"holdfast").digest(1 << 20)
    return (block * (size // len(block) + 1))[:size]
