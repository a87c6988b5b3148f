"""Who signed a WACZ, and whether (WACZ Signing and Verification 0.1.0).

Three questions, three answers. Whether the signature is one: `SignatureState`. Whose it is:
`Identity`, which is proved only by a key or a root the person who verifies has given; a key
that merely fits its own signature is unknown. When: a `Stamp`, proved by a given root too.

Nothing signs `created`, `software` and `version` of signedData; the first is compared with
the signed list's, and with the time-stamp.
"""

from __future__ import annotations

import base64
import binascii
from datetime import timedelta
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from rfc3161_client import TimeStampResponse, VerifierBuilder, decode_timestamp_response
from rfc3161_client.errors import VerificationError as StampError

from archive.clock import parse_instant
from archive.wacz.signature import (
    UNSIGNED,
    Identity,
    Signature,
    SignatureState,
    Stamp,
    StampState,
)
from archive.wacz.trust import Trust, fingerprint

_MOST_CERTIFICATES: Final = 20  # in one bundle
_STAMP_WITHIN: Final = timedelta(minutes=10)  # of `created`, as the specification says


class _UnreadableError(Exception):
    """A field is missing or not what it must be."""


def judge_signature(signed: object, list_hash: str, created: str | None, trust: Trust) -> Signature:
    """Judge `signedData` of datapackage-digest.json.

    :param list_hash: `sha256:` and the hex digest of the datapackage.json that is in the package
    :param created: the time that datapackage.json, which is signed, names
    """
    if signed is None:
        return UNSIGNED
    if not isinstance(signed, dict):
        return _unreadable("signedData is no object")
    try:
        if "publicKey" in signed and not {"domain", "domainCert"} & signed.keys():
            return _anonymous(signed, list_hash, created, trust)
        if "domainCert" in signed and "publicKey" not in signed:
            return _domain(signed, list_hash, created, trust)
    except _UnreadableError as error:
        return _unreadable(str(error))
    return _unreadable("signedData names neither one key nor one certificate")


def _unreadable(reason: str) -> Signature:
    return Signature(SignatureState.UNREADABLE, Identity.NONE, reason)


def _anonymous(
    signed: dict[str, Any], list_hash: str, created: str | None, trust: Trust
) -> Signature:
    """ECDSA with SHA-256, r and s side by side, by a key that stands in the package itself."""
    spki = _base64(signed, "publicKey")
    raw = _base64(signed, "signature")
    try:
        key = load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _UnreadableError(f"publicKey is no key: {error}") from error
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise _UnreadableError("publicKey is no key of an elliptic curve")
    half = (key.curve.key_size + 7) // 8
    if len(raw) != 2 * half:
        raise _UnreadableError(f"the signature has {len(raw)} bytes; this key makes {2 * half}")
    numbers = (int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))
    state, reason = _state(key, encode_dss_signature(*numbers), signed, list_hash, created)
    # The DER as the library writes it, so that one key has one name.
    name = fingerprint(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    known = name in trust.keys
    return Signature(
        state,
        Identity.KNOWN_KEY if known else Identity.UNKNOWN_KEY,
        reason or ("the key is one you trust" if known else "nothing says whose key this is"),
        f"sha256:{name}",
    )


def _domain(signed: dict[str, Any], list_hash: str, created: str | None, trust: Trust) -> Signature:
    """ECDSA by the certificate of a domain, valid at the time a stamp proves."""
    domain = signed.get("domain")
    if not isinstance(domain, str):
        raise _UnreadableError("signedData names no domain")
    leaf, *others = _certificates(signed, "domainCert")
    key = leaf.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise _UnreadableError("the domain's certificate has no key of an elliptic curve")
    state, reason = _state(key, _base64(signed, "signature"), signed, list_hash, created)
    stamp = _stamp(signed, trust)
    doubt = _doubt(leaf, others, domain, stamp, trust) or _late(signed, stamp)
    return Signature(
        state,
        Identity.UNPROVED_DOMAIN if doubt else Identity.PROVED_DOMAIN,
        reason or doubt or "the certificate leads to a root you trust, and was valid when stamped",
        domain,
        (stamp,) if stamp else (),
    )


def _state(
    key: ec.EllipticCurvePublicKey,
    signature: bytes,
    signed: dict[str, Any],
    list_hash: str,
    created: str | None,
) -> tuple[SignatureState, str]:
    """Check the signature over the hash it names, and that hash against the package."""
    named = signed.get("hash")
    if not isinstance(named, str):
        raise _UnreadableError("signedData names no hash")
    try:
        key.verify(signature, named.encode(), ec.ECDSA(SHA256()))
    except InvalidSignature:
        return SignatureState.INVALID, "the signature does not fit its key and hash"
    if named != list_hash:
        return (
            SignatureState.OTHER_CONTENT,
            f"what was signed is {named}; datapackage.json here is {list_hash}",
        )
    if signed.get("created") != created:
        return (
            SignatureState.INVALID,
            f"the time beside the signature, {signed.get('created')!r}, is not the signed list's",
        )
    return SignatureState.VALID, ""


def _doubt(
    leaf: x509.Certificate,
    others: list[x509.Certificate],
    domain: str,
    stamp: Stamp | None,
    trust: Trust,
) -> str:
    """Say why the domain is not proved; nothing if it is."""
    if not trust.roots:
        return "no root certificate is trusted: give one with --trust"
    if stamp is None or stamp.state is not StampState.PROVED or stamp.time is None:
        why = f" ({stamp.detail})" if stamp and stamp.detail else ""
        return f"no trusted time-stamp says when it was signed{why}"
    try:
        verifier = (
            PolicyBuilder()
            .store(Store(list(trust.roots)))
            .time(stamp.time)
            .build_server_verifier(x509.DNSName(domain))
        )
        verifier.verify(leaf, others)
    except (VerificationError, ValueError) as error:
        return f"the certificate does not prove the domain: {error}"
    return ""


def _late(signed: dict[str, Any], stamp: Stamp | None) -> str:
    try:
        created = parse_instant(str(signed.get("created")))
    except ValueError:
        return "the time beside the signature cannot be read"
    if stamp is not None and stamp.time and abs(stamp.time - created) > _STAMP_WITHIN:
        return f"the time-stamp says {stamp.time:%Y-%m-%dT%H:%M:%SZ}, the signature {created}"
    return ""


def _stamp(signed: dict[str, Any], trust: Trust) -> Stamp | None:
    """Judge the time-stamp, which is over the text of the signature."""
    if "timeSignature" not in signed:
        return None
    try:
        response = decode_timestamp_response(_base64(signed, "timeSignature"))
        bundle = _certificates(signed, "timestampCert") if "timestampCert" in signed else []
        time = response.tst_info.gen_time
    except (_UnreadableError, ValueError) as error:
        return Stamp(StampState.INVALID, None, "", f"the time-stamp cannot be read: {error}")
    # What the package brings may lead to a root, and must not be taken for one.
    bundle = [one for one in bundle if one.subject != one.issuer]
    authority = bundle[0].subject.rfc4514_string() if bundle else ""
    message = str(signed.get("signature")).encode()
    reason = _stamp_doubt(response, message, bundle, trust.roots) if trust.roots else "no roots"
    if not reason:
        return Stamp(StampState.PROVED, time, authority)
    # With its own bundle as root: does it fit at all?
    own = tuple(_certificates(signed, "timestampCert")) if "timestampCert" in signed else ()
    broken = _stamp_doubt(response, message, bundle, own) if own else ""
    if broken:
        return Stamp(StampState.INVALID, None, authority, broken)
    return Stamp(StampState.UNKNOWN_AUTHORITY, time, authority, "its authority is not trusted")


def _stamp_doubt(
    response: TimeStampResponse,
    message: bytes,
    bundle: list[x509.Certificate],
    roots: tuple[x509.Certificate, ...],
) -> str:
    embedded = bool(response.signed_data.certificates)
    builder = VerifierBuilder(
        tsa_certificate=None if embedded or not bundle else bundle[0],
        intermediates=bundle[1:],
        roots=list(roots),
    )
    try:
        builder.build().verify_message(response, message)
    except (StampError, ValueError) as error:
        return str(error)
    return ""


def _certificates(signed: dict[str, Any], name: str) -> list[x509.Certificate]:
    text = signed.get(name)
    if not isinstance(text, str) or text.count("BEGIN CERTIFICATE") > _MOST_CERTIFICATES:
        raise _UnreadableError(f"{name} is no bundle of certificates")
    try:
        return x509.load_pem_x509_certificates(text.encode())
    except ValueError as error:
        raise _UnreadableError(f"{name} cannot be read: {error}") from error


def _base64(signed: dict[str, Any], name: str) -> bytes:
    text = signed.get(name)
    try:
        return base64.b64decode(text if isinstance(text, str) else "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _UnreadableError(f"{name} is no base64: {error}") from error
