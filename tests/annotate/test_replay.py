"""What a person sees of an imported page: shown from its file, records read, times told."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
import site_example as site
import warcs
from conftest import import_whole as bring
from flask.testing import FlaskClient
from sqlalchemy import select

from annotate.models import Capture, Project
from annotate.wiring import Wiring

Browser = Callable[[str], FlaskClient]
FRAME = {"Sec-Fetch-Dest": "iframe"}


def captured(wiring: Wiring, address: str) -> str:
    with wiring.database.read() as session:
        query = select(Capture.id).where(Capture.address == address).order_by(Capture.captured_at)
        return session.scalars(query).first() or ""


@pytest.fixture
def crawl(wiring: Wiring, project: Project, tmp_path: Path) -> str:
    bring(wiring, project, site.write(tmp_path / "crawl.warc.gz"))
    return captured(wiring, site.HOME)


def part(client: FlaskClient, capture: str, path: str, **headers: str):
    return client.get(f"/c/{capture}/part?u={quote(site.HOME + path, safe='')}", headers=headers)


def test_the_page_is_shown_with_what_its_file_holds(sign_in: Browser, crawl: str) -> None:
    shown = sign_in("viewer").get(f"/c/{crawl}/view", headers=FRAME)
    assert "پاختا 棉花" in shown.text
    assert "<script" not in shown.text
    for name in ("style.css", "red.png", "green.png", "again.png"):
        assert quote(site.HOME + name, safe="") in shown.text
    assert 'sandbox="allow-same-origin"' in shown.text
    assert "gone.png" not in shown.text.replace("data-missing", "")


def test_its_parts_come_from_the_file(sign_in: Browser, crawl: str) -> None:
    client = sign_in("viewer")
    assert part(client, crawl, "red.png").data == site.png(200, 0, 0)
    assert part(client, crawl, "again.png").data == site.png(200, 0, 0), "the original of a revisit"
    sheet = part(client, crawl, "style.css")
    assert quote(site.HOME + "blue.png", safe="") in sheet.text
    assert "elsewhere" not in sheet.text
    assert part(client, crawl, "gone.png").status_code == 404
    inner = client.get(
        f"/c/{crawl}/frame?u={quote(site.HOME + 'inner.html', safe='')}", headers=FRAME
    )
    assert "inside the frame" in inner.text
    assert "<script" not in inner.text


def test_archived_bytes_may_ask_for_parts_of_their_capture_only(
    sign_in: Browser, crawl: str
) -> None:
    policy = (
        sign_in("viewer").get(f"/c/{crawl}/view", headers=FRAME).headers["Content-Security-Policy"]
    )
    assert "script-src 'none'" in policy
    assert f"img-src localhost/c/{crawl}/ data:" in policy
    assert policy.endswith("sandbox allow-same-origin")


def test_opened_by_itself_a_page_stands_in_our_frame(sign_in: Browser, crawl: str) -> None:
    page = sign_in("viewer").get(f"/c/{crawl}/view", headers={"Sec-Fetch-Dest": "document"}).text
    assert "your mark" in page
    assert 'sandbox="allow-same-origin"' in page
    mark = re.search(r'aria-label="([a-z, ]+)">([^<]+)<', page)
    other = sign_in("coder").get(f"/c/{crawl}/view", headers={"Sec-Fetch-Dest": "document"}).text
    assert mark is not None
    assert mark[0] not in other, "each person has another mark"


def test_what_is_missing_is_listed(sign_in: Browser, crawl: str) -> None:
    listed = sign_in("viewer").get(f"/c/{crawl}/missing?format=json").json
    assert {one["address"] for one in listed} == {"http://elsewhere.example/x.png"}


def test_a_film_is_sent_by_range(
    sign_in: Browser, wiring: Wiring, project: Project, tmp_path: Path
) -> None:
    film = bytes(range(256)) * 20_000
    path = warcs.write(
        tmp_path / "film.warc.gz",
        *site.exchange("", b'<video src="film.mp4"></video>', kind="text/html"),
        *site.exchange("film.mp4", film, kind="video/mp4"),
    )
    bring(wiring, project, path)
    client = sign_in("viewer")
    capture = captured(wiring, site.HOME)
    whole = part(client, capture, "film.mp4")
    assert (whole.headers["Accept-Ranges"], whole.data) == ("bytes", film)
    some = part(client, capture, "film.mp4", Range="bytes=4000000-4000099")
    assert (some.status_code, some.data) == (206, film[4_000_000:4_000_100])
    assert some.headers["Content-Range"] == f"bytes 4000000-4000099/{len(film)}"
    assert part(client, capture, "film.mp4", Range="bytes=9000000-").status_code == 416
    assert part(client, capture, "film.mp4", Range="bytes=-10").data == film[-10:]


def test_addresses_that_differ_in_case_are_shown_as_the_pages_they_are(
    sign_in: Browser, wiring: Wiring, project: Project, tmp_path: Path
) -> None:
    page = '<img id=a src="/watch?v=AbC"><img id=b src="/watch?v=abc"><img id=c src="/watch?v=ABC">'
    path = warcs.write(
        tmp_path / "case.warc.gz",
        *site.exchange("", page.encode(), kind="text/html"),
        *site.exchange("watch?v=AbC", site.png(1, 0, 0), kind="image/png"),
        *site.exchange("watch?v=abc", site.png(2, 0, 0), kind="image/png"),
    )
    bring(wiring, project, path)
    client, capture = sign_in("viewer"), captured(wiring, site.HOME)
    assert part(client, capture, "watch?v=AbC").data == site.png(1, 0, 0)
    assert part(client, capture, "watch?v=abc").data == site.png(2, 0, 0)
    assert part(client, capture, "watch?v=ABC").status_code == 404
    assert (
        'data-missing="http://site.example/watch?v=ABC"'
        in client.get(f"/c/{capture}/view", headers=FRAME).text
    )


def test_a_revisit_is_shown_from_another_file_of_the_project(
    sign_in: Browser, wiring: Wiring, project: Project, tmp_path: Path
) -> None:
    red = site.png(200, 0, 0)
    page = site.exchange("", b'<img src="/red.png">', kind="text/html")
    again = warcs.revisit(
        site.HOME + "red.png", warcs.sha1(red), "image/png", WARC_Record_ID="<urn:uuid:r>"
    )
    bring(wiring, project, warcs.write(tmp_path / "later.warc.gz", *page, again))
    client, capture = sign_in("viewer"), captured(wiring, site.HOME)
    missing = part(client, capture, "red.png")
    assert missing.status_code == 404
    assert "revisit" in missing.text
    bring(
        wiring,
        project,
        warcs.write(
            tmp_path / "first.warc.gz", *site.exchange("elsewhere.png", red, kind="image/png")
        ),
    )
    assert part(client, capture, "red.png").data == red


@pytest.mark.parametrize("number", [0, 1])
def test_the_answer_to_a_post_is_found_by_its_body(
    sign_in: Browser, crawl: str, number: int
) -> None:
    client = sign_in("viewer")
    asked = f"u={quote(site.HOME + 'graphql')}&method=POST&body={quote(site.POSTS[number])}"
    page = client.get(f"/c/{crawl}/records?{asked}").text
    position = re.search(r"records/(\d+)\">Record \d+</a> answers it", page)
    assert position is not None
    assert site.ANSWERS[number] == client.get(f"/c/{crawl}/records/{position[1]}/payload").data
    other = client.get(
        f"/c/{crawl}/records?u={quote(site.HOME + 'graphql')}&method=POST&body=x"
    ).text
    assert "holds no answer to exactly this request" in other


def test_a_record_is_read_and_its_digests_checked_again(sign_in: Browser, crawl: str) -> None:
    client = sign_in("viewer")
    page = client.get(f"/c/{crawl}/records/0").text
    assert "the bytes match the digest" in page
    assert "WARC-Target-URI" in page
    assert "Read as utf-8" in page
    assert "پاختا 棉花" in page
    hexed = client.get(f"/c/{crawl}/records/0?show=hex").text
    assert "48 54 54 50 2f 31 2e 31" in hexed, "HTTP/1.1"


def test_a_record_is_saved_as_it_stands(sign_in: Browser, crawl: str, tmp_path: Path) -> None:
    saved = sign_in("viewer").get(f"/c/{crawl}/records/0/record")
    assert (tmp_path / "crawl.warc.gz").read_bytes().startswith(saved.data)
    assert gzip.decompress(saved.data).startswith(b"WARC/1.1")


def test_a_payload_is_saved_as_nothing_that_opens(sign_in: Browser, crawl: str) -> None:
    saved = sign_in("viewer").get(f"/c/{crawl}/records/0/payload")
    assert saved.data == site.PAGE.encode()
    assert saved.headers["Content-Disposition"].startswith("attachment")
    assert saved.headers["Content-Type"] == "application/octet-stream"
    assert "sandbox" in saved.headers["Content-Security-Policy"]


def test_a_changed_file_is_found_when_a_record_is_looked_at(
    sign_in: Browser, wiring: Wiring, capture: Callable[[dict[str, str]], None]
) -> None:
    capture({"https://e.org/a": "<title>A</title><p>alpha"})
    made = captured(wiring, "https://e.org/a")
    client = sign_in("viewer")
    assert "byte for byte, the one catalogued" in client.get(f"/c/{made}/records/1").text
    (path,) = (wiring.home / "captures").rglob("*.warc.gz")
    data = path.read_bytes()
    with wiring.database.read() as session:
        from annotate.models import Record

        record = session.scalar(select(Record).where(Record.position == 1))
    assert record is not None
    member = gzip.decompress(data[record.offset : record.offset + record.length]).replace(
        b"alpha", b"omega"
    )
    forged = gzip.compress(member, mtime=0)
    path.chmod(0o600)
    path.write_bytes(data[: record.offset] + forged + data[record.offset + record.length :])
    page = client.get(f"/c/{made}/records/1").text
    assert "the bytes do not match the digest" in page
    assert "the file was changed" in page


def test_views_carry_memento_headers_and_a_timemap_lists_them(sign_in: Browser, crawl: str) -> None:
    client = sign_in("viewer")
    view = client.get(f"/c/{crawl}/view", headers=FRAME)
    assert view.headers["Memento-Datetime"] == "Fri, 01 May 2020 00:00:00 GMT"
    assert '<http://site.example/>; rel="original"' in view.headers["Link"]
    timemap = client.get(f"/p/study/timemap?url={quote(site.HOME)}")
    assert timemap.content_type == "application/link-format"
    assert (
        f'/c/{crawl}/view>; rel="first last memento"; datetime="Fri, 01 May 2020 00:00:00 GMT"'
        in timemap.text
    )
    listed = client.get(f"/p/study/timemap?url={quote(site.HOME)}&format=json").json
    assert [one["capture"] for one in listed["mementos"]["list"]] == [crawl]
    assert client.get("/p/study/timemap?url=http://site.example/none").status_code == 404


def test_a_timegate_leads_to_the_nearest_capture(
    sign_in: Browser, wiring: Wiring, project: Project, tmp_path: Path
) -> None:
    for year in (2018, 2020):
        path = tmp_path / f"{year}.warc.gz"
        bring(
            wiring,
            project,
            warcs.write(
                path, warcs.response(site.HOME, b"<p>%d" % year, date=f"{year}-05-01T00:00:00Z")
            ),
        )
    client = sign_in("viewer")
    gate = f"/p/study/timegate?url={quote(site.HOME)}"
    early = client.get(gate, headers={"Accept-Datetime": "Mon, 01 Jan 2018 00:00:00 GMT"})
    assert early.headers["Vary"] == "accept-datetime" or "accept-datetime" in early.headers["Vary"]
    assert "2018" in client.get(early.headers["Location"], headers=FRAME).text
    assert "2020" in client.get(client.get(gate).headers["Location"], headers=FRAME).text
    assert client.get(gate, headers={"Accept-Datetime": "soon"}).status_code == 400


def test_a_stranger_sees_nothing_of_it(sign_in: Browser, crawl: str) -> None:
    client = sign_in("stranger")
    for path in (
        "view",
        "part?u=x",
        "frame?u=x",
        "missing",
        "records",
        "records/0",
        "records/0/record",
        "records/0/payload",
    ):
        assert client.get(f"/c/{crawl}/{path}").status_code == 404, path


def test_a_digest_is_of_the_bytes() -> None:
    assert warcs.sha1(b"") == "sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ"
    assert hashlib.sha1(b"").hexdigest().startswith("da39a3")
