"""Hashes of pictures, read in bounds; addresses that differ only in how one came to the page."""

from __future__ import annotations

import io
import random
import zlib
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from archive.capture.exchange import Exchange
from archive.errors import ExtractionError
from archive.extraction.found import Place
from archive.main_picture import bounded_hash, main_picture_hash
from archive.picture_hash import bits_apart, picture_hash
from archive.variants import variant_key
from archive.writer import CaptureWriter


def drawn(seed: int, size: tuple[int, int] = (640, 480)) -> Image.Image:
    chance = random.Random(seed)
    picture = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(picture)
    for _ in range(14):
        at = sorted(chance.randrange(size[0]) for _ in range(2))
        to = sorted(chance.randrange(size[1]) for _ in range(2))
        pen.rectangle((at[0], to[0], at[1], to[1]), tuple(chance.choices(range(256), k=3)))
    return picture


def saved(picture: Image.Image, form: str = "PNG", **how: int) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **how)
    return out.getvalue()


@pytest.mark.parametrize("seed", range(6))
def test_a_picture_made_smaller_and_packed_anew_looks_the_same(seed: int) -> None:
    picture = drawn(seed)
    first = picture_hash(saved(picture))
    again = picture_hash(saved(picture.resize((320, 240)), "JPEG", quality=60))
    assert first is not None
    assert again is not None
    assert bits_apart(first, again) <= 3
    other = picture_hash(saved(drawn(seed + 100)))
    assert other is not None
    assert bits_apart(first, other) > 8


def test_a_plain_surface_is_like_no_other() -> None:
    assert picture_hash(saved(Image.new("RGB", (400, 300), "navy"))) is None


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a" + bytes(40), b"<svg/>"])
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(ExtractionError):
        picture_hash(data)
    assert bounded_hash(data) is None


def test_a_bomb_is_stopped() -> None:
    row = zlib.compress(bytes(60_001) * 60_000, 9)[:20_000]
    head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (60_000).to_bytes(4, "big") * 2 + b"\x08\0\0\0\0"
    bomb = head + bytes(4) + len(row).to_bytes(4, "big") + b"IDAT" + row
    assert bounded_hash(bomb) is None


def test_the_largest_picture_of_a_capture_is_taken(tmp_path: Path) -> None:
    noisy = Image.effect_noise((500, 400), 60).convert("RGB")
    noisy.paste(drawn(1, (400, 300)), (0, 0))
    answers = {
        "https://a.example/": ("text/html", b"<p>" + bytes(100_000)),
        "https://a.example/icon.png": ("image/png", saved(drawn(2, (16, 16)))),
        "https://a.example/photo.jpg": ("image/jpeg", saved(noisy, "JPEG", quality=90)),
    }
    path = tmp_path / "capture.warc.gz"
    writer = CaptureWriter(path, capture_id="c", software="test", instance="i")
    for url, (declared, body) in answers.items():
        writer.exchange(
            Exchange(
                url, datetime.now(UTC), "GET", "/", [], b"", "200 OK",
                [("Content-Type", declared), ("Content-Length", str(len(body)))],
                BytesIO(body), len(body), None, None, None, "image",
            )
        )  # fmt: skip
    records = writer.finish({}, target="https://a.example/").record_list
    places = [
        Place(at, one.type, one.target, one.offset, one.length, one.payload_digest)
        for at, one in enumerate(records)
    ]
    assert main_picture_hash(path, places) == picture_hash(
        answers["https://a.example/photo.jpg"][1]
    )
    assert main_picture_hash(path, []) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://www.example.org/a/", "http://example.org/a"),
        ("https://m.example.org/a?utm_source=x&id=2", "https://example.org/a?id=2"),
        ("https://example.org/a?b=1&a=2", "https://example.org/a?a=2&b=1&fbclid=abc"),
        ("https://example.org/a/index.html", "https://example.org/a#part"),
        ("https://mobile.twitter.example/x/status/1", "https://twitter.example/x/status/1?ref_src=tw"),
        ("https://example.org/新疆/amp", "https://EXAMPLE.org/新疆"),
    ],
)  # fmt: skip
def test_variants_of_an_address_share_a_key(one: str, other: str) -> None:
    assert variant_key(one) == variant_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.org/a?id=1", "https://example.org/a?id=2"),
        ("https://example.org/A", "https://example.org/a"),
        ("https://example.org:8080/a", "https://example.org/a"),
        ("https://m.org/a", "https://org/a"),
        ("https://example.org/amplifier", "https://example.org/"),
        ("urn:holdfast:1", "urn:holdfast:2"),
        ("http://[broken", "http://[other"),
    ],
)
def test_other_addresses_do_not(one: str, other: str) -> None:
    assert variant_key(one) != variant_key(other)
