"""Three answers on the signature of a WACZ: whether it is valid, whose it is, whether trusted."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from packages import (
    Files,
    key_of,
    relist,
    roots_of,
    verify,
    write,
)

from annotate.cli import holdfast


def test_the_anonymous_signature_of_the_corpus_is_valid_and_its_key_unknown(
    shared: Path, anonymous: Files
) -> None:
    path = shared / "corpora/wacz/replayweb.page/example.wacz"
    code, found = verify(path)
    assert (code, found["verdict"]) == (1, "intact")
    assert found["signature"]["state"] == "valid"
    assert found["identity"] == "unknown key"
    code, found = verify(path, key_of(anonymous))
    assert (code, found["identity"]) == (0, "known key")


def test_a_key_in_a_pem_file_is_known(shared: Path, anonymous: Files, tmp_path: Path) -> None:
    signed = json.loads(anonymous["datapackage-digest.json"])["signedData"]
    text = base64.encodebytes(base64.b64decode(signed["publicKey"])).decode()
    pem = tmp_path / "key.pem"
    pem.write_text(f"-----BEGIN PUBLIC KEY-----\n{text}-----END PUBLIC KEY-----\n", "ascii")
    assert verify(shared / "corpora/wacz/replayweb.page/example.wacz", str(pem))[0] == 0


def test_the_domain_signature_of_the_corpus_is_proved_by_given_roots_only(
    shared: Path, domain: Files, tmp_path: Path
) -> None:
    path = shared / "corpora/wacz/py-wacz/valid_signed_example_1.wacz"
    code, found = verify(path)
    assert (code, found["signature"]["state"]) == (1, "valid")
    assert found["identity"] == "unproved domain"
    assert found["timestamps"][0]["state"] == "unknown authority"
    code, found = verify(path, roots_of(domain, tmp_path))
    assert (code, found["identity"]) == (0, "proved domain")
    assert found["signature"]["signer"] == "btrix-sign-test.webrecorder.net"
    # Its authority's certificate has expired since; it was valid when it stamped.
    assert found["timestamps"] == [
        {
            "state": "proved",
            "time": "2022-01-18T19:00:12Z",
            "authority": found["timestamps"][0]["authority"],
        }
    ]


def test_the_staging_certificate_of_the_corpus_is_trusted_by_nobody(
    shared: Path, domain: Files, tmp_path: Path
) -> None:
    path = shared / "corpora/wacz/py-wacz/invalid_signed_example_1.wacz"
    code, found = verify(path, roots_of(domain, tmp_path))
    assert (code, found["verdict"], found["signature"]["state"]) == (1, "intact", "valid")
    assert found["identity"] == "unproved domain"
    assert found["timestamps"][0]["state"] == "proved"


def changed_text(value: str) -> str:
    """Change one letter in the middle of base64 or hex, to another that may stand there."""
    at = min(len(value) // 2, 500)
    while value[at] in "\n-+/=":
        at += 1
    return value[:at] + ("b" if value[at] == "a" else "a") + value[at + 1 :]


INTEGRITY, SIGNATURE, IDENTITY = "integrity", "signature", "identity"


@pytest.mark.parametrize(
    ("field", "verdict"),
    [
        ("path", INTEGRITY),
        ("hash", INTEGRITY),
        ("signedData.hash", SIGNATURE),
        ("signedData.signature", SIGNATURE),
        ("signedData.publicKey", SIGNATURE),
        ("signedData.created", SIGNATURE),
    ],
)
def test_each_field_of_an_anonymous_signature(
    anonymous: Files, tmp_path: Path, field: str, verdict: str
) -> None:
    check_field(anonymous, tmp_path, field, verdict, key_of(anonymous))


@pytest.mark.parametrize(
    ("field", "verdict"),
    [
        ("path", INTEGRITY),
        ("hash", INTEGRITY),
        ("signedData.hash", SIGNATURE),
        ("signedData.signature", SIGNATURE),
        ("signedData.created", SIGNATURE),
        ("signedData.domain", IDENTITY),
        ("signedData.timeSignature", IDENTITY),
        ("signedData.timestampCert", IDENTITY),
    ],
)
def test_each_field_of_a_domain_signature(
    domain: Files, tmp_path: Path, field: str, verdict: str
) -> None:
    check_field(domain, tmp_path, field, verdict, roots_of(domain, tmp_path))


def check_field(files: Files, tmp_path: Path, field: str, verdict: str, trusted: str) -> None:
    digest = json.loads(files["datapackage-digest.json"])
    holder, name = (digest["signedData"], field.split(".")[1]) if "." in field else (digest, field)
    holder[name] = changed_text(holder[name])
    files["datapackage-digest.json"] = json.dumps(digest).encode()
    code, found = verify(write(tmp_path / "x.wacz", files), trusted)
    assert code == 1
    whole = found["verdict"] == "intact"
    valid = found["signature"]["state"] == "valid"
    known = found["identity"] in {"known key", "proved domain"}
    if verdict == INTEGRITY:
        assert not whole
        assert (valid, known) == (True, True)
    elif verdict == SIGNATURE:
        assert (whole, valid) == (True, False)
    else:
        assert (whole, valid, known) == (True, True, False)


def test_every_certificate_of_the_chain_counts(domain: Files, tmp_path: Path) -> None:
    """A letter changed in the leaf breaks signature or identity; in the next one, identity."""
    trusted = roots_of(domain, tmp_path)
    digest = json.loads(domain["datapackage-digest.json"])
    chain = digest["signedData"]["domainCert"]
    end = "-----END CERTIFICATE-----\n"
    parts = [one + end for one in chain.split(end) if one.strip()]
    for number in (0, 1):
        changed = [changed_text(one) if n == number else one for n, one in enumerate(parts)]
        digest["signedData"]["domainCert"] = "".join(changed)
        files = {**domain, "datapackage-digest.json": json.dumps(digest).encode()}
        code, found = verify(write(tmp_path / "x.wacz", files), trusted)
        assert (code, found["verdict"]) == (1, "intact")
        assert found["identity"] != "proved domain"


def test_a_forged_key_signs_well_and_is_unknown(anonymous: Files, tmp_path: Path) -> None:
    trusted = key_of(anonymous)
    anonymous["pages/pages.jsonl"] += b"\n"
    relist(anonymous)
    digest = json.loads(anonymous["datapackage-digest.json"])
    key = ec.generate_private_key(ec.SECP384R1())
    r, s = decode_dss_signature(key.sign(digest["hash"].encode(), ec.ECDSA(SHA256())))
    digest["signedData"] |= {
        "hash": digest["hash"],
        "signature": base64.b64encode(r.to_bytes(48, "big") + s.to_bytes(48, "big")).decode(),
        "publicKey": base64.b64encode(
            key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        ).decode(),
    }
    anonymous["datapackage-digest.json"] = json.dumps(digest).encode()
    code, found = verify(write(tmp_path / "x.wacz", anonymous), trusted)
    assert (code, found["verdict"], found["signature"]["state"]) == (1, "intact", "valid")
    assert found["identity"] == "unknown key"


def test_a_self_signed_authority_in_the_package_is_no_root(domain: Files, tmp_path: Path) -> None:
    """What a package brings along may lead to a root, and is never one."""
    trusted = roots_of(domain, tmp_path)
    only_web = tmp_path / "web.pem"
    only_web.write_text(
        Path(trusted).read_text("ascii").split("-----END")[0] + "-----END CERTIFICATE-----\n"
    )
    code, found = verify(write(tmp_path / "x.wacz", domain), str(only_web))
    assert (code, found["identity"]) == (1, "unproved domain")
    assert found["timestamps"][0]["state"] == "unknown authority"


def test_nothing_that_is_no_key_is_taken_for_one(tmp_path: Path, anonymous: Files) -> None:
    path = write(tmp_path / "x.wacz", anonymous)
    for text in ("", "abc", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"):
        given = tmp_path / "given"
        given.write_text(text)
        done = CliRunner().invoke(
            holdfast, ["verify", str(path), "--trust", str(given)], standalone_mode=False
        )
        assert "TrustError" in repr(done.exception)


def test_flipped_bits_of_a_package_are_found(shared: Path, tmp_path: Path) -> None:
    """All bits but those of dates and systems in the zip's heads, which no reader acts on."""
    data = (shared / "corpora/wacz/py-wacz/valid_example_2.wacz").read_bytes()
    path = tmp_path / "x.wacz"
    quiet = []
    for at in range(0, len(data), 3):
        changed = bytearray(data)
        changed[at] ^= 1 << at % 8
        path.write_bytes(bytes(changed))
        if verify(path)[0] == 0:
            quiet.append(at)
            with (
                zipfile.ZipFile(io.BytesIO(changed)) as package,
                zipfile.ZipFile(io.BytesIO(data)) as before,
            ):
                for name in before.namelist():
                    assert package.read(name) == before.read(name)
    assert len(quiet) < len(data) / 3 / 20
