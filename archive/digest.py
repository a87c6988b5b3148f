"""The one parser and writer of digests in every spelling that WARC files carry."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from archive.errors import MalformedDigestError

_BYTES: Final = {"md5": 16, "sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64}
_SPELLED: Final = re.compile(r"(md5|sha-?1|sha-?256|sha-?384|sha-?512):\s*(\S+)", re.IGNORECASE)
_BASE32: Final = re.compile(r"[A-Z2-7]+")
_BASE32_AS_INT: Final = str.maketrans(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789ABCDEFGHIJKLMNOPQRSTUV"
)


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest: the algorithm in small letters without hyphen, and its raw bytes."""

    algorithm: str
    value: bytes

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Read `sha1:BASE32`, `sha256:hex`, `sha-256:…`, `md5:…`, base64 too.

        :raises MalformedDigestError: the algorithm is unknown or the value has another length
        """
        match = _SPELLED.fullmatch(text.strip())
        if match is None:
            raise MalformedDigestError(f"{text!r} names no digest algorithm this archive knows")
        algorithm = match[1].lower().replace("-", "")
        value = decode_value(match[2], _BYTES[algorithm])
        if value is None:
            raise MalformedDigestError(
                f"{text!r} is no {algorithm}: it has neither {_BYTES[algorithm]} bytes in base32, "
                "hex nor base64"
            )
        return cls(algorithm, value)

    @staticmethod
    def is_spelled(text: str) -> bool:
        """Tell whether `text` names an algorithm known here, whatever stands after it."""
        return _SPELLED.match(text.strip()) is not None

    @classmethod
    def of_bytes(cls, data: bytes, algorithm: str = "sha256") -> Digest:
        """Digest `data`."""
        return cls(algorithm, hashlib.new(algorithm, data, usedforsecurity=False).digest())

    @property
    def hex(self) -> str:
        """The value in small hexadecimal digits."""
        return self.value.hex()

    def __str__(self) -> str:
        """Write it as WARC headers do: `sha256:` and base32, with the padding tools expect."""
        return f"{self.algorithm}:{base64.b32encode(self.value).decode('ascii')}"


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hex, reading it piece by piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def decode_value(text: str, length: int) -> bytes | None:
    """Decode by the first spelling that gives exactly `length` bytes; None if none does."""
    bare = text.rstrip("=")
    spare = 5 * len(bare) - 8 * length  # bits of the last letter that say nothing
    if 0 <= spare < 5 and _BASE32.fullmatch(bare):  # nearly every digest; b32decode is slow
        number = int(bare.translate(_BASE32_AS_INT), 32)
        if not number & ((1 << spare) - 1):
            return (number >> spare).to_bytes(length, "big")
    if len(text) == 2 * length:
        try:
            return bytes.fromhex(text)
        except ValueError:
            pass
    bare = bare.replace("-", "+").replace("_", "/")  # base64 for addresses (RFC 4648, 5)
    for decode, block in ((base64.b32decode, 8), (base64.b64decode, 4)):
        padded = bare + "=" * (-len(bare) % block)
        try:
            value = decode(padded.upper() if block == 8 else padded)
        except (binascii.Error, ValueError):
            continue
        if len(value) == length:
            return value
    return None
