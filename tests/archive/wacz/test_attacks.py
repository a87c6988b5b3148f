"""Every attack on a WACZ is refused with the reason, in little memory."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from packages import (
    Files,
    hash_of,
    key_of,
    relist,
    verify,
    write,
)

ROOT = Path(__file__).resolve().parents[3]


def without_warc_listed(files: Files) -> None:
    del files["archive/data.warc.gz"]


def without_warc_unlisted(files: Files) -> None:
    del files["archive/data.warc.gz"]
    listed = json.loads(files["datapackage.json"])
    listed["resources"] = [one for one in listed["resources"] if "warc" not in one["path"]]
    files["datapackage.json"] = json.dumps(listed).encode()
    relist(files)


def file_added(files: Files) -> None:
    files["archive/more.warc.gz"] = files["archive/data.warc.gz"]


def member_flipped(files: Files) -> None:
    data = bytearray(files["archive/data.warc.gz"])
    data[5000] ^= 1
    files["archive/data.warc.gz"] = bytes(data)


def page_changed(files: Files) -> None:
    files["pages/pages.jsonl"] = files["pages/pages.jsonl"].replace(b"http", b"HTTP", 1)


def digest_removed(files: Files) -> None:
    del files["datapackage-digest.json"]


def signature_over_swapped_content(files: Files) -> None:
    files["pages/pages.jsonl"] += b"\n"
    relist(files)  # a signature taken over with its key, as the reference validator lets pass


def md5_only(files: Files) -> None:
    listed = json.loads(files["datapackage.json"])
    for one in listed["resources"]:
        digest = hashlib.md5(files[one["path"]], usedforsecurity=False).hexdigest()
        one["hash"] = f"md5:{digest}"
    files["datapackage.json"] = json.dumps(listed).encode()
    digest = {"path": "datapackage.json", "hash": hash_of(files["datapackage.json"])}
    files["datapackage-digest.json"] = json.dumps(digest).encode()


def listed_twice(files: Files) -> None:
    listed = json.loads(files["datapackage.json"])
    listed["resources"] *= 2
    files["datapackage.json"] = json.dumps(listed).encode()


def one_name_twice(files: Files) -> None:
    files["datapackage.json"] = files["datapackage.json"].replace(
        b'"resources"', b'"resources": [], "resources"', 1
    )


def deeply_nested(files: Files) -> None:
    files["datapackage.json"] = b"[" * 2_000_000


def no_list(files: Files) -> None:
    del files["datapackage.json"]


ATTACKS: dict[Callable[[Files], None], tuple[str, str]] = {
    without_warc_listed: ("damaged", "a listed file is missing"),
    without_warc_unlisted: ("damaged", "no WARC in the package"),
    file_added: ("damaged", "a file that is not listed"),
    member_flipped: ("damaged", "file digest differs"),
    page_changed: ("damaged", "file digest differs"),
    digest_removed: ("intact-without-digests", "no digest"),
    signature_over_swapped_content: ("intact", ""),
    md5_only: ("intact-without-digests", "digest too weak to prove anything"),
    listed_twice: ("damaged", "list of files cannot be read"),
    one_name_twice: ("damaged", "list of files cannot be read"),
    deeply_nested: ("damaged", "list of files cannot be read"),
    no_list: ("damaged", "list of files cannot be read"),
}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda one: one.__name__)
def test_attacks_are_refused_with_the_reason(
    anonymous: Files, tmp_path: Path, attack: Callable[[Files], None]
) -> None:
    word, kind = ATTACKS[attack]
    trusted = key_of(anonymous)
    attack(anonymous)
    path = write(tmp_path / "x.wacz", anonymous)
    code, found = verify(path, trusted)
    assert (code, found["verdict"]) == (1, word)
    assert kind in {one["kind"] for one in found["faults"]} | {""}
    if attack is signature_over_swapped_content:
        assert found["signature"]["state"] == "valid over other content"


def test_a_removed_signature_is_missed_by_who_expects_one(anonymous: Files, tmp_path: Path) -> None:
    trusted = key_of(anonymous)
    digest = json.loads(anonymous["datapackage-digest.json"])
    del digest["signedData"]
    anonymous["datapackage-digest.json"] = json.dumps(digest).encode()
    path = write(tmp_path / "x.wacz", anonymous)
    assert verify(path)[0] == 0
    code, found = verify(path, trusted)
    assert (code, found["signature"]["state"]) == (1, "none")


@pytest.mark.parametrize("attack", ["bomb", "many", "nested list", "lying bomb"])
def test_no_attack_takes_more_than_200_megabytes(tmp_path: Path, attack: str) -> None:
    files = {"datapackage.json": b"{}", "datapackage-digest.json": b"{}"}
    path = tmp_path / "x.wacz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        for name, data in files.items():
            package.writestr(name, data)
        if attack == "many":
            for number in range(12_000):
                package.writestr(f"a/{number}", b"")
        elif attack == "nested list":
            package.writestr("archive/x.warc.gz", b"[" * 3_900_000)
        else:
            package.writestr("archive/x.warc", b"\0" * 100_000_000)
    if attack == "nested list":
        files["datapackage.json"] = b"[" + b"{}," * 1_300_000 + b"{}]"
        write(path, files)
    if attack == "lying bomb":
        data = bytearray(path.read_bytes())
        for mark, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
            where = data.rfind(mark)
            data[where + at : where + at + 4] = (1_000_000).to_bytes(4, "little")
        path.write_bytes(bytes(data))
    limit = 200 << 20
    code = (
        "from annotate.cli import holdfast\n"
        f"done = holdfast.main(['verify', {str(path)!r}], standalone_mode=False)\n"
        "status = open('/proc/self/status').read()\n"  # maxrss would count the parent's
        "most = int(status.partition('VmHWM:')[2].split()[0]) * 1024\n"
        f"assert done == 1 and most < {limit}, (done, most)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout
