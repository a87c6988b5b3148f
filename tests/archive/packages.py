"""WACZ files of the corpus as a forger takes them apart, and the verdict on what is made of them."""

from __future__ import annotations

import base64
import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from annotate.cli import holdfast

Files = dict[str, bytes]


def verify(path: Path, *trust: str) -> tuple[int, dict[str, Any]]:
    options = [part for one in trust for part in ("--trust", one)]
    done = CliRunner().invoke(
        holdfast, ["--json", "verify", str(path), *options], standalone_mode=False
    )
    assert done.exception is None, done.exception
    return done.return_value, json.loads(done.output)


def read(path: Path) -> Files:
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name) for name in package.namelist()}


def write(path: Path, files: Files) -> Path:
    with zipfile.ZipFile(path, "w") as package:
        for name, data in files.items():
            package.writestr(zipfile.ZipInfo(name), data)
    return path


def hash_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def relist(files: Files) -> None:
    """What a forger does: the list and its digest are made to fit the files."""
    listed = json.loads(files["datapackage.json"])
    for one in listed["resources"]:
        data = files.get(one["path"])
        if data is not None:
            one["hash"], one["bytes"] = hash_of(data), len(data)
    files["datapackage.json"] = json.dumps(listed).encode()
    digest = json.loads(files["datapackage-digest.json"])
    digest["hash"] = hash_of(files["datapackage.json"])
    files["datapackage-digest.json"] = json.dumps(digest).encode()


def key_of(files: Files) -> str:
    signed = json.loads(files["datapackage-digest.json"])["signedData"]
    return hashlib.sha256(base64.b64decode(signed["publicKey"])).hexdigest()


def roots_of(files: Files, folder: Path) -> str:
    """The roots a person would have from elsewhere; here, the ends of the package's chains."""
    signed = json.loads(files["datapackage-digest.json"])["signedData"]
    path = folder / "roots.pem"
    path.write_bytes(
        b"".join(
            x509.load_pem_x509_certificates(signed[name].encode())[-1].public_bytes(Encoding.PEM)
            for name in ("domainCert", "timestampCert")
        )
    )
    return str(path)
