"""The key a home signs its packages with: P-384, made once, kept from everybody else.

Source: WACZ Signing and Verification 0.1.0, anonymous signatures: ECDSA P-384 with SHA-256 over
the ASCII text `sha256:<hex>` of datapackage.json, r and s as 48 bytes each.
"""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from archive.durable import sync_folder
from archive.errors import StoreError

KEY_FILE: Final = "keys/package-p384.pem"
_COORDINATE: Final = 48  # bytes of r and of s


@dataclass(frozen=True, slots=True)
class PackageKey:
    """Signs packages. The same text gives the same signature (RFC 6979)."""

    _private: ec.EllipticCurvePrivateKey

    @property
    def public(self) -> str:
        """The public key: base64 of its DER (SubjectPublicKeyInfo)."""
        der = self._private.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(der).decode("ascii")

    def sign(self, text: str) -> str:
        """Return the signature over an ASCII text: base64 of r and s."""
        algorithm = ec.ECDSA(SHA256(), deterministic_signing=True)
        r, s = decode_dss_signature(self._private.sign(text.encode("ascii"), algorithm))
        raw = r.to_bytes(_COORDINATE, "big") + s.to_bytes(_COORDINATE, "big")
        return base64.b64encode(raw).decode("ascii")


def package_key(home: Path) -> PackageKey:
    """Return the home's key, made now where an older Holdfast made the home.

    :raises StoreError: the key cannot be read or written
    """
    path = home / KEY_FILE
    try:
        if not path.exists():
            _make(path)
        private = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise StoreError(f"The key {path} cannot be used: {error}") from error
    if not isinstance(private, ec.EllipticCurvePrivateKey) or private.curve.name != "secp384r1":
        raise StoreError(f"The key {path} is no P-384 key.")
    return PackageKey(private)


def _make(path: Path) -> None:
    pem = ec.generate_private_key(ec.SECP384R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    path.parent.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)  # two at once: the first stays
        sync_folder(path.parent)
    except FileExistsError:
        return
    finally:
        temporary.unlink(missing_ok=True)
