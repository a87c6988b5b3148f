"""Three answers on a WACZ, and every attack on it refused with the reason."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from annotate.cli import holdfast

ROOT = Path(__file__).resolve().parents[3]
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


@pytest.fixture
def anonymous(shared: Path) -> Files:
    return read(shared / "corpora/wacz/replayweb.page/example.wacz")


@pytest.fixture
def domain(shared: Path) -> Files:
    return read(shared / "corpora/wacz/py-wacz/valid_signed_example_1.wacz")


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


# Attacks ---------------------------------------------------------------------------------------


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


# Signatures ------------------------------------------------------------------------------------


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
