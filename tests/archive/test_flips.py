"""Every flipped bit and every cut that changes a byte of content or framing is reported.

What may go unreported is named: bits of a gzip head that nothing checks (time, system, flags of
text), and the bits of a deflate block's padding. They change no byte that anyone reads, which
zlib, as the second opinion, has to confirm for every one.
"""

from __future__ import annotations

import gzip
import io
import os
import random
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from isal import isal_zlib

from archive.errors import NotAnArchiveError
from archive.reader import walk_file
from archive.record import DigestState, Fault, Record
from archive.verdict import judge_walk

FILES = (
    "WarcDB/frontpages.warc.gz",
    "WarcDB/google.warc.gz",
    "aut/warc/example.txt.warc.gz",
    "ipwb/warcs/froggie.warc.gz",
    "jwat/IAH-20080430204825-00000-blackbook.warc.gz",
    "node-warc/parseMe.warc.gz",
    "pywb/warcs/iana.warc.gz",
    "resiliparse/warcfile.warc.gz",
    "warc2zim/data/content-resource-types.warc.gz",
    "whirlwind/whirlwind.warc.gz",
)
PLAIN = ("WarcDB/google.warc", "iipc-specs/hello-world.warc")
BOUNDED = bool(os.environ.get("HOLDFAST_BOUNDED"))


def told(data: bytes) -> tuple[object, ...]:
    """Everything verify would say of these bytes."""
    try:
        verdict = judge_walk(Path("x"), walk_file(io.BytesIO(data), "x"))
    except NotAnArchiveError as error:
        return (str(error),)
    faults = tuple((one.kind, one.offset, one.detail) for one in verdict.faults)
    return (verdict.verdict, verdict.records, faults)


def unpacked(data: bytes, module: object = zlib) -> bytes | None:
    """What another reader gets of these members, or None if it refuses one."""
    made = bytearray()
    while data:
        one = module.decompressobj(31)  # type: ignore[attr-defined]
        try:
            made += one.decompress(data)
        except (zlib.error, isal_zlib.error):  # type: ignore[misc]
            return None
        if not one.eof:
            return None
        data = one.unused_data
    return bytes(made)


def members(data: bytes) -> list[int]:
    offsets, at = [], 0
    while at < len(data):
        offsets.append(at)
        one = zlib.decompressobj(31)
        one.decompress(data[at:])
        at = len(data) - len(one.unused_data)
    return offsets


def around(offsets: list[int], at: int, size: int) -> slice:
    """The member that holds byte `at`."""
    start = max(one for one in offsets if one <= at)
    return slice(start, min((one for one in offsets if one > at), default=size))


def flip(shared: Path, count: int) -> tuple[int, int]:
    chance = random.Random(4)
    harmless = reported = 0
    held = {name: (shared / "corpora/warc" / name).read_bytes() for name in FILES}
    offsets = {name: members(data) for name, data in held.items()}
    before = {name: told(data) for name, data in held.items()}
    for number in range(count):
        name = FILES[number % len(FILES)]
        data = held[name]
        bit = chance.randrange(len(data) * 8)
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        member = around(offsets[name], bit // 8, len(data))
        other = unpacked(bytes(changed[member]))
        # The fast inflater refuses whatever zlib refuses, and makes the same of the rest.
        # But for the reserved flags, byte 3 of a member, which the walk looks at itself.
        if bit // 8 - member.start != 3:
            assert unpacked(bytes(changed[member]), isal_zlib) in {None, other}, (name, bit)
        if told(bytes(changed)) != before[name]:
            reported += 1
            continue
        assert other == unpacked(data[member]), f"{name}: bit {bit} changed bytes, unreported"
        harmless += 1
    return reported, harmless


def cut(shared: Path, count: int) -> int:
    chance = random.Random(5)
    held = {name: (shared / "corpora/warc" / name).read_bytes() for name in FILES}
    before = {name: told(data) for name, data in held.items()}
    boundaries = {name: {*members(data), 0} for name, data in held.items()}
    for number in range(count):
        name = FILES[number % len(FILES)]
        size = chance.randrange(1, len(held[name]))
        while size in boundaries[name]:  # a whole, shorter file: nothing in it can say otherwise
            size = chance.randrange(1, len(held[name]))
        found = told(held[name][:size])
        # It has a fault, or is refused; a record fewer alone would be silence.
        assert found != before[name], f"{name} cut at {size}"
        assert len(found) == 1 or found[2], f"{name} cut at {size}"
    return count


def test_flipped_bits_are_reported(shared: Path) -> None:
    reported, harmless = flip(shared, 120)
    assert reported > 100
    assert harmless < 10


def test_cuts_are_reported(shared: Path) -> None:
    assert cut(shared, 60) == 60


@pytest.mark.slow
def test_two_thousand_flips_and_five_hundred_cuts(
    shared: Path, record_property: Callable[[str, object], None]
) -> None:
    flips = 200 if BOUNDED else 2000
    reported, harmless = flip(shared, flips)
    record_property("flips", f"{reported} reported, {harmless} harmless of {flips}")
    assert reported + harmless == flips
    assert harmless <= flips // 50
    cut(shared, 50 if BOUNDED else 500)


def test_every_bit_of_a_small_file(shared: Path) -> None:
    data = (shared / "corpora/warc/pywb/warcs/httpbin-resource.warc.gz").read_bytes()
    before, content = told(data), unpacked(data)
    quiet = []
    for bit in range(len(data) * 8):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        if told(bytes(changed)) == before:
            assert unpacked(bytes(changed)) == content
            quiet.append(bit // 8)
    # Time, extra flags, system and FTEXT in the head (RFC 1952, 2.3); the padding of a block.
    assert {3, 4, 5, 6, 7, 8, 9} >= {byte for byte in quiet if byte < 10}
    assert len({byte for byte in quiet if byte >= 10}) <= 2


@pytest.mark.parametrize("name", PLAIN)
def test_flips_in_an_unpacked_file_are_reported_where_a_digest_covers_them(
    shared: Path, name: str
) -> None:
    data = (shared / "corpora/warc" / name).read_bytes()
    before = told(data)
    records = [one for one in walk_file(io.BytesIO(data), name) if isinstance(one, Record)]
    chance = random.Random(6)
    for _ in range(100):
        record = chance.choice(records)
        assert record.block_length
        end = record.ref.offset + record.ref.length
        at = chance.randrange(end - 4 - record.block_length, end)
        changed = bytearray(data)
        changed[at] ^= 1 << chance.randrange(8)
        assert told(bytes(changed)) != before, at


def test_the_short_way_and_the_careful_way_agree(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(path: Path) -> list[Record | Fault] | str:
        try:
            with path.open("rb") as file:
                return [
                    one._replace(block_start=0) if isinstance(one, Record) else one
                    for one in walk_file(file, path.name)
                ]
        except NotAnArchiveError as error:
            return str(error)

    paths = [one for one in sorted((shared / "corpora/warc").rglob("*")) if one.is_file()]
    paths = [one for one in paths if ".warc" in one.name]
    short = {path: found(path) for path in paths}
    monkeypatch.setattr("archive.reader.sound_member", lambda *_: None)
    monkeypatch.setattr("archive.reader.sound_plain", lambda *_: None)
    for path in paths:
        assert found(path) == short[path], path
    assert len(paths) > 80


@pytest.mark.parametrize(
    "spelled",
    [b"warc-type", b"WARC-TYPE", b"X-Other: 1\r\nWarc-Type"],
    ids=["small", "large", "own"],
)
def test_names_of_fields_are_read_however_they_are_spelled(spelled: bytes) -> None:
    plain = (
        b"WARC/1.1\r\nWARC-Type: resource\r\nWARC-Record-ID: <urn:uuid:1>\r\n"
        b"WARC-Date: 2026-01-01T00:00:00Z\r\nWARC-Target-URI: http://example.org/\r\n"
        b"WARC-Block-Digest: sha1:VGMT4NSHA2AWVOR6EVYXQUGCNSONBWE5\r\n"
        b"Content-Length: 3\r\n\r\nabc\r\n\r\n"
    )
    data = gzip.compress(plain.replace(b"WARC-Type", spelled))
    twice = gzip.compress(plain.replace(b"WARC-Date", spelled + b": response\r\nWARC-Date"))
    (record,) = walk_file(io.BytesIO(data), "x")
    assert isinstance(record, Record)
    assert record.type == "resource"
    assert record.block_digest is DigestState.MATCHES
    first = next(iter(walk_file(io.BytesIO(twice), "x")))
    assert isinstance(first, Record)
    assert first.type == "resource"  # of two fields of one name the first counts
