"""A zip that could harm or mislead whoever opens it is refused, and the reason is said."""

from __future__ import annotations

import io
import os
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from archive.errors import DamagedMemberError, NotAnArchiveError, UnsafePackageError
from archive.wacz.directory import PackageLimits
from archive.wacz.package import Package

FILES = {
    "archive/data.warc.gz": os.urandom(3000),
    "pages/pages.jsonl": b'{"format": "json-pages-1.0"}\n' * 40,
    "datapackage.json": b"{}",
}


def zipped(
    files: dict[str, bytes] | None = None, change: Callable[[zipfile.ZipInfo], None] | None = None
) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, data in (FILES if files is None else files).items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED if "pages" in name else zipfile.ZIP_STORED
            if change:
                change(info)
            made.writestr(info, data)
    return out.getvalue()


def opened(tmp_path: Path, data: bytes, **limits: int) -> Package:
    path = tmp_path / "x.wacz"
    path.write_bytes(data)
    return Package(path, PackageLimits(**limits))


def test_every_member_is_read_as_it_was_put_in(tmp_path: Path) -> None:
    with opened(tmp_path, zipped()) as package:
        assert {one.name: package.read(one, limit=9999) for one in package.members} == FILES
        assert package.unnamed == ()
        warc = package.find("archive/data.warc.gz")
        assert warc is not None
        window = package.window(warc)
        window.seek(-10, 2)
        assert window.read() == FILES["archive/data.warc.gz"][-10:]
        package.copy(warc, tmp_path / "out")
        assert (tmp_path / "out").read_bytes() == FILES["archive/data.warc.gz"]


def test_a_zip_written_to_a_pipe_is_read(tmp_path: Path) -> None:
    class Pipe(io.RawIOBase):  # cannot seek: sizes follow the data, in descriptors
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            self.data += bytes(data)  # type: ignore[call-overload]
            return len(bytes(data))  # type: ignore[call-overload]

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as made:  # type: ignore[arg-type]
        for name, data in FILES.items():
            with made.open(name, "w", force_zip64=True) as out:
                out.write(data)
    with opened(tmp_path, bytes(pipe.data)) as package:
        assert {one.name: package.read(one, limit=9999) for one in package.members} == FILES


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../../etc/cron.d/x", "leads outside"),
        ("archive/../../x", "leads outside"),
        ("/etc/passwd", "absolute"),
        ("C:/Windows/x", "absolute"),
        ("archive\\..\\x", "backslash"),
        ("archive//x", "empty part"),
        ("./datapackage.json", "empty part"),
        ("archive/a\nb", "control"),
        ("archive/" + "x" * 1100, "too long"),
        ("Archive/DATA.warc.gz", "one name on some disks"),
        ("datapackage.json/x", "which is a file"),
    ],
)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str, reason: str) -> None:
    data = zipped({**FILES, "N" * len(name): b""}).replace(b"N" * len(name), name.encode())
    with pytest.raises(UnsafePackageError, match=reason):
        opened(tmp_path, data)


def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    out = io.BytesIO(zipped())
    with zipfile.ZipFile(out, "a") as made, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made.writestr("archive/data.warc.gz", b"other")
    with pytest.raises(UnsafePackageError, match="is there twice"):
        opened(tmp_path, out.getvalue())


@pytest.mark.parametrize(("kind", "reason"), [(stat.S_IFLNK, "a link"), (stat.S_IFIFO, "neither")])
def test_links_and_devices_are_refused(tmp_path: Path, kind: int, reason: str) -> None:
    def change(info: zipfile.ZipInfo) -> None:
        info.external_attr = (kind | 0o777) << 16

    with pytest.raises(UnsafePackageError, match=reason):
        opened(tmp_path, zipped(change=change))


def test_bombs_are_refused_before_a_byte_is_unpacked(tmp_path: Path) -> None:
    data = zipped({"pages/pages.jsonl": b"\0" * 20_000_000})
    with pytest.raises(UnsafePackageError, match="bomb"):
        opened(tmp_path, data)
    many = zipped({f"a{number}": b"" for number in range(50)})
    with pytest.raises(UnsafePackageError, match="50 members"):
        opened(tmp_path, many, members=49)
    with pytest.raises(UnsafePackageError, match="unpacks to more"):
        opened(tmp_path, zipped(), unpacked=1000)


def test_a_bomb_that_lies_about_its_size_is_stopped(tmp_path: Path) -> None:
    data = bytearray(zipped({"pages/pages.jsonl": b"\0" * 20_000_000}))
    for magic, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<L", data, data.find(magic) + at, 1000)
    with opened(tmp_path, bytes(data)) as package, pytest.raises(DamagedMemberError, match="more"):
        package.read(package.members[0], limit=9999)


@pytest.mark.parametrize(
    ("magic", "at", "reason"),
    [
        (b"PK\x01\x02", 10, "method"),
        (b"PK\x01\x02", 16, "CRC-32"),
        (b"PK\x01\x02", 20, "stored, yet|packed size"),
        (b"PK\x01\x02", 46, "name"),
        (b"PK\x01\x02", 42, "not where|overlaps"),
        (b"PK\x03\x04", 14, "CRC-32"),
        (b"PK\x03\x04", 22, "size"),
        (b"PK\x03\x04", 30, "name"),
        (b"PK\x05\x06", 10, "several"),
        (b"PK\x05\x06", 12, "not where"),
        (b"PK\x05\x06", 16, "not where"),
    ],
)
def test_directory_and_heads_must_agree(tmp_path: Path, magic: bytes, at: int, reason: str) -> None:
    data = bytearray(zipped())
    data[data.find(magic) + at] ^= 2
    with pytest.raises(UnsafePackageError, match=reason):
        opened(tmp_path, bytes(data))


def test_overlapping_members_are_refused(tmp_path: Path) -> None:
    data = bytearray(zipped())
    first = data.find(b"PK\x01\x02")
    second = data.find(b"PK\x01\x02", first + 4)
    data[second + 42 : second + 46] = data[first + 42 : first + 46]
    with pytest.raises(UnsafePackageError, match="overlaps"):
        opened(tmp_path, bytes(data))


def test_a_second_end_record_is_refused(tmp_path: Path) -> None:
    other = zipped({"evil": b"x"})
    data = bytearray(zipped())
    data[-2:] = struct.pack("<H", len(other))
    with pytest.raises(UnsafePackageError, match="two end records"):
        opened(tmp_path, bytes(data) + other)


def test_hidden_bytes_are_named(tmp_path: Path) -> None:
    data = bytearray(zipped())
    start = data.find(b"PK\x01\x02")
    hidden = b"hidden" * 10
    end = len(data) - 22
    struct.pack_into("<L", data, end + 16, start + len(hidden))
    with opened(tmp_path, bytes(data[:start] + hidden + data[start:])) as package:
        assert [(one.offset, one.length) for one in package.unnamed] == [(start, 60)]


@pytest.mark.parametrize("cut", [1, 21, 30, 200, 2000])
def test_a_cut_package_is_no_package(tmp_path: Path, cut: int) -> None:
    with pytest.raises(NotAnArchiveError, match="cut off"):
        opened(tmp_path, zipped()[:-cut])


def test_a_flipped_bit_in_a_member_is_found(tmp_path: Path) -> None:
    data = bytearray(zipped())
    data[data.find(b"archive/data.warc.gz") + 100] ^= 1
    with opened(tmp_path, bytes(data)) as package:
        warc = package.find("archive/data.warc.gz")
        assert warc is not None
        with pytest.raises(DamagedMemberError, match="CRC-32"):
            package.copy(warc, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_every_wacz_of_the_corpora_opens(shared: Path) -> None:
    for path in sorted((shared / "corpora/wacz").glob("*/*.wacz")):
        with Package(path) as package, zipfile.ZipFile(path) as other:
            assert [one.name for one in package.members] == other.namelist()
            for one in package.members:
                assert package.read(one, limit=10**8) == other.read(one.name)
            assert package.unnamed == ()
