"""Whom the person who verifies trusts: keys and roots they give, none by default."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from archive.errors import TrustError

_FINGERPRINT: Final = re.compile(r"(?:sha-?256:)?([0-9a-f]{64})", re.IGNORECASE)
_BLOCK: Final = re.compile(rb"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----", re.DOTALL)
_LARGEST: Final = 4 << 20  # bytes of a file of keys and certificates


@dataclass(frozen=True, slots=True)
class Trust:
    """Fingerprints of trusted keys (SHA-256 over the DER of the public key, hex), and roots."""

    keys: frozenset[str] = frozenset()
    roots: tuple[x509.Certificate, ...] = ()

    @property
    def expects_a_signer(self) -> bool:
        """Tell whether anything is trusted: then an unsigned package proves too little."""
        return bool(self.keys or self.roots)


def fingerprint(spki: bytes) -> str:
    """Return how a public key is named when people compare it: SHA-256 of its DER, in hex."""
    return hashlib.sha256(spki).hexdigest()


def read_trust(given: Iterable[str]) -> Trust:
    """Read fingerprints, and PEM files of public keys and certificates.

    :raises TrustError: one is neither; the message names it
    """
    keys: set[str] = set()
    roots: list[x509.Certificate] = []
    for one in given:
        match = _FINGERPRINT.fullmatch(one.strip())
        if match:
            keys.add(match[1].lower())
            continue
        blocks = list(_BLOCK.finditer(_read(one)))
        if not blocks:
            raise TrustError(f"{one} is no fingerprint, and no PEM file of keys or certificates")
        for block in blocks:
            try:
                if block[1] == b"CERTIFICATE":
                    roots.append(x509.load_pem_x509_certificate(block[0]))
                elif block[1] == b"PUBLIC KEY":
                    key = load_pem_public_key(block[0])
                    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
                    keys.add(fingerprint(der))
                else:
                    raise TrustError(f"{one} holds a {block[1].decode()}; keep that to yourself")
            except (ValueError, UnsupportedAlgorithm) as error:
                raise TrustError(f"{one} holds a block that cannot be read: {error}") from error
    return Trust(frozenset(keys), tuple(dict.fromkeys(roots)))


def _read(name: str) -> bytes:
    path = Path(name)
    try:
        if path.stat().st_size > _LARGEST:
            raise TrustError(f"{name} is larger than any file of keys")
        return path.read_bytes()
    except OSError as error:
        raise TrustError(f"{name} cannot be read: {error.strerror}") from error
