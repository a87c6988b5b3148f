"""What leaves tells nobody who was signed in, unless somebody says that it may."""

from __future__ import annotations

import gzip
import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from conftest import FakeEngine, send
from flask.testing import FlaskClient
from sqlalchemy import select

from annotate.cli import holdfast
from annotate.jobs.indexing import index_now
from annotate.jobs.worker import Worker
from annotate.models import Capture, CaptureSession, Event, Project, Record
from annotate.wiring import Wiring
from archive.capture.exchange import Exchange
from archive.capture.job import CaptureJob, CaptureResult
from archive.clock import utc_now
from archive.verdict import VerdictWord
from archive.verify import verify_any
from archive.writer import CaptureWriter

Browser = Callable[[str], FlaskClient]
SECRET, SET = b"cookie-value-4711", b"set-by-the-site-4711"
NAMED, PLAIN, OPEN = "https://example.org/feed", "https://example.org/post", "https://open.example/"
NAME = "Ана Ахметова"


class SignedIn(FakeEngine):
    """Sends the session's cookies, and gets another."""

    def capture(self, job: CaptureJob) -> CaptureResult:
        made = super().capture(job)
        assert made.warc is not None
        made.warc.path.unlink()
        body = self.pages[job.address.exact].encode("windows-1251")
        cookie = job.session.jar().header(job.address.target) if job.session else None
        sent = [("Cookie", cookie)] if cookie else []
        got = [("Content-Type", "text/html; charset=windows-1251"),
               ("Set-Cookie", f"a={SET.decode()}"), ("Content-Length", str(len(body)))]  # fmt: skip
        with CaptureWriter(
            job.warc_path, capture_id=job.capture_id, software="fake", instance=job.instance
        ) as writer:
            writer.exchange(
                Exchange(
                    job.address.target, utc_now(), "GET", "/", sent, b"", "200 OK", got,
                    io.BytesIO(body), len(body), None, None, None, "document",
                )
            )  # fmt: skip
            warc = writer.finish({}, target=job.address.target)
        return replace(made, warc=warc)


@pytest.fixture
def held(wiring: Wiring, project: Project, sign_in: Browser) -> FlaskClient:
    """Two captures made signed in, one of which names the identity, and one made without."""
    client = sign_in("owner")
    cookies = f".example.org\tTRUE\t/\tTRUE\t0\tsid\t{SECRET.decode()}\n".encode()
    send(client, "/p/study/settings", "/p/study/sessions", name="Ana", consent="she agreed",
         identity=NAME, cookies=(io.BytesIO(cookies), "cookies.txt"))  # fmt: skip
    with wiring.database.read() as session:
        row = session.scalars(select(CaptureSession)).one()
    queue = "/p/study/queue"
    send(client, queue, queue, addresses=f"{NAMED}\n{PLAIN}", session=row.id)
    send(client, queue, queue, addresses=OPEN)
    worker = Worker(wiring, "test")
    pages = {NAMED: f"<title>feed</title><p>signed in as {NAME}", PLAIN: "<title>post</title><p>слово",
             OPEN: "<title>open</title><p>открыто"}  # fmt: skip
    worker._engines["auto"] = SignedIn(pages)
    while worker.step():
        pass
    index_now(wiring)
    return client


def take(client: FlaskClient, query: str = "", **form: str) -> Any:
    page = "/p/study/package"
    return send(client, page, "/p/study/package.wacz", q=query, **form)


def warcs(data: bytes, folder: Path) -> tuple[dict[str, bytes], str]:
    """The WARCs of a package, unpacked, each intact; and what the package says of itself."""
    found = {}
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        for name in package.namelist():
            if name.startswith("archive/"):
                file = folder / name.rpartition("/")[2]
                file.write_bytes(package.read(name))
                assert verify_any(file).word == VerdictWord.INTACT
                found[file.name] = gzip.decompress(file.read_bytes())
        said = json.loads(package.read("datapackage.json"))["description"]
    whole = folder / "whole.wacz"
    whole.write_bytes(data)
    assert verify_any(whole).word == VerdictWord.INTACT
    return found, said


def stored(wiring: Wiring) -> dict[str, bytes]:
    return {str(one): one.read_bytes() for one in wiring.home.glob("captures/*/*/*/*")}


def test_cookies_of_captures_made_signed_in_stay_here_and_the_package_says_so(
    held: FlaskClient, wiring: Wiring, tmp_path: Path
) -> None:
    before = stored(wiring)
    answer = take(held, "слово OR открыто")
    assert answer.status_code == 200, answer.text
    found, said = warcs(answer.data, tmp_path)
    assert len(found) == 2
    assert not [name for name, data in found.items() if SECRET in data]
    (signed_in,) = [data for data in found.values() if b"example.org/post" in data]
    (open_one,) = [data for data in found.values() if b"open.example" in data]
    assert SET not in signed_in
    assert b"urn:redaction:" in signed_in
    assert SET in open_one  # as it was stored: nobody was signed in
    assert b"urn:redaction:" not in open_one
    assert "left out of 1 of 2 files" in said
    assert stored(wiring) == before
    assert not [one for one in wiring.temporary.iterdir() if one.name.startswith("package-")]
    assert take(held, "слово OR открыто").data == answer.data


@pytest.mark.parametrize(("cookies", "with_secret", "with_set"), [("all", 0, 0), ("keep", 1, 2)])
def test_it_can_be_chosen_from_which_files(
    held: FlaskClient, wiring: Wiring, tmp_path: Path, cookies: str, with_secret: int, with_set: int
) -> None:
    answer = take(held, "слово OR открыто", cookies=cookies)
    found, said = warcs(answer.data, tmp_path)
    assert sum(SECRET in data for data in found.values()) == with_secret
    assert sum(SET in data for data in found.values()) == with_set
    assert ("left out of 2 of 2" in said) is (cookies == "all")
    with wiring.database.read() as session:
        event = session.scalars(select(Event).where(Event.kind == "export:make")).all()[-1]
    assert json.loads(event.document)["body"]["cookies"] == cookies
    assert take(held, cookies="some").status_code == 400


def test_nothing_leaves_while_it_tells_who_was_signed_in(
    held: FlaskClient, wiring: Wiring, tmp_path: Path
) -> None:
    answer = take(held)
    assert answer.status_code == 409
    assert "Nothing has left yet" in answer.text
    assert NAME in answer.text
    assert NAMED in answer.text
    assert PLAIN not in answer.text
    with wiring.database.read() as session:
        assert session.scalars(select(Event).where(Event.kind == "export:make")).all() == []
    known = take(held, known="yes")
    assert known.status_code == 200
    found, _said = warcs(known.data, tmp_path)
    assert len(found) == 3
    assert not [name for name, data in found.items() if SECRET in data]
    with wiring.database.read() as session:
        event = session.scalars(select(Event).where(Event.kind == "export:make")).one()
    assert json.loads(event.document)["body"]["identity_known"] is True


def test_strings_that_are_not_known_any_more_are_said_to_be(
    held: FlaskClient, wiring: Wiring
) -> None:
    with wiring.database.read() as session:
        row = session.scalars(select(CaptureSession)).one()
    assert "was deleted with its identity strings" not in held.get("/p/study/package").text
    send(held, "/p/study/settings", f"/p/study/sessions/{row.id}/delete")
    assert "was deleted with its identity strings" in held.get("/p/study/package").text
    assert take(held).status_code == 200


def test_the_warc_of_one_capture_comes_without_cookies_and_as_stored(
    held: FlaskClient, wiring: Wiring
) -> None:
    with wiring.database.read() as session:
        by_address = {one.address: one for one in session.scalars(select(Capture))}
    signed_in, plain = by_address[PLAIN], by_address[OPEN]
    page = held.get(f"/p/study/items/{signed_in.item_id}").text
    assert "WARC without cookies" in page
    assert "WARC as stored" in page
    with held.get(f"/c/{signed_in.id}/capture.warc.gz") as copy:
        assert "without-cookies" in copy.headers["Content-Disposition"]
        assert SECRET not in gzip.decompress(copy.data)
    with held.get(f"/c/{signed_in.id}/capture.warc.gz?cookies=keep") as kept:
        assert SECRET in gzip.decompress(kept.data)
    with held.get(f"/c/{plain.id}/capture.warc.gz") as whole:
        assert SET in gzip.decompress(whole.data)


def test_who_may_not_see_cookies_reads_no_byte_of_them_in_any_view(
    held: FlaskClient, sign_in: Browser, wiring: Wiring
) -> None:
    with wiring.database.read() as session:
        by_address = {one.address: one for one in session.scalars(select(Capture))}
        records = {
            (one.position, one.kind)
            for one in session.scalars(
                select(Record).where(Record.warc_file_id == by_address[PLAIN].warc_file_id)
            )
        }
    coder = sign_in("coder")

    def bytes_of(client: FlaskClient, capture: Capture) -> bytes:
        """Everything the record pages give of a capture, unpacked."""
        whole = b""
        for position, _kind in sorted(records):
            base = f"/c/{capture.id}/records/{position}"
            for tail in ("", "?show=hex", "/record", "/payload"):
                with client.get(base + tail) as answer:
                    assert answer.status_code == 200, (tail, answer.text)
                    data = answer.data
                if tail == "?show=hex":
                    words = re.findall(r"<td>((?:[0-9a-f]{2} ?)+)</td>", data.decode())
                    data = b"".join(bytes.fromhex(one) for one in words)
                whole += gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        return whole

    shown = bytes_of(coder, by_address[PLAIN])
    assert SECRET not in shown
    assert SET not in shown
    assert b"copy without cookies" in shown
    assert "слово".encode("windows-1251") in shown  # all else is there
    stored = bytes_of(held, by_address[PLAIN])
    assert SECRET in stored
    assert SET in stored
    assert SET in bytes_of(coder, by_address[OPEN])  # nobody was signed in
    assert coder.get(f"/c/{by_address[PLAIN].id}/capture.warc.gz?cookies=keep").status_code == 403
    assert "WARC as stored" not in coder.get(f"/p/study/items/{by_address[PLAIN].item_id}").text
    assert "as it was stored" not in coder.get("/p/study/package").text
    assert take(coder, "слово", cookies="keep").status_code == 403
    assert take(coder, "открыто", cookies="keep").status_code == 200


def test_the_command_does_the_same(held: FlaskClient, wiring: Wiring, tmp_path: Path) -> None:
    def run(*words: str) -> Any:
        made = CliRunner().invoke(
            holdfast, ["--home", str(wiring.home), "--json", "export", "wacz", "--project", "study",
                       "--as", "owner", *words], standalone_mode=False,
        )  # fmt: skip
        assert made.exception is None, made.exception
        return made

    out = tmp_path / "a.wacz"
    refused = run("--out", str(out))
    assert refused.return_value == 1
    assert not out.exists()
    told = json.loads(refused.stdout)
    assert [(one["string"], one["target"]) for one in told["identity_found"]] == [(NAME, NAMED)]
    done = run("--out", str(out), "--identity-known")
    assert done.return_value == 0
    assert json.loads(done.stdout)["without_cookies"] == 2
    found, said = warcs(out.read_bytes(), tmp_path)
    assert not [name for name, data in found.items() if SECRET in data]
    assert "left out of 2 of 3" in said
    kept = run("--out", str(tmp_path / "b.wacz"), "--identity-known", "--cookies", "keep")
    assert json.loads(kept.stdout)["without_cookies"] == 0
