"""Every kind of request a page can make: the records are the server's own log, and nothing else."""

from __future__ import annotations

import io
import json
from collections import Counter

import pytest
from PIL import Image

from archive.capture.job import CaptureResult
from archive.capture.outcome import Outcome
from archive.verify import VerdictWord, verify_file
from tests.site.answers import End, Line
from tests.site.running import Site
from tests.site.written import Block, Written, uri

pytestmark = pytest.mark.browser
PAGES = ("/", "/h2")


class Compared:
    """One capture of one page beside what the server says of it."""

    def __init__(self, made: CaptureResult, site: Site) -> None:
        assert made.warc is not None, made.reason
        self.made = made
        self.written = Written(made.warc.path)
        lines = [line for line in site.log.lines() if not _update_check(line, site)]
        self.answered = [line for line in lines if line.status is not None and not _given_up(line)]
        self.unanswered = [line for line in lines if line.status is None or _given_up(line)]
        self.lines = lines


def _update_check(line: Line, site: Site) -> bool:
    """A browser looking by itself whether a service worker's script has changed, told to nobody."""
    second = line.ask.header("referer").endswith("/sw.js")
    return second and line.ask.path in {"/sw.js", "/sw-part.js"} and (
        line.ask.path == "/sw.js" or "cache-control" not in dict(_low(line))
    )  # fmt: skip


def _low(line: Line) -> list[tuple[str, str]]:
    return [(key.lower(), value) for key, value in line.ask.headers]


def _given_up(line: Line) -> bool:
    """The page aborted it before the server said a word."""
    return line.ask.path == "/slow"


@pytest.fixture(scope="module")
def compared(
    request: pytest.FixtureRequest,
    site: Site,
    binary: object,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Compared]:
    """Both pages, captured once for all facts."""
    from archive.capture.job import CaptureJob, CaptureOptions
    from archive.urlkey import Address

    engine = request.getfixturevalue("engine")
    made = {}
    for page, origin in zip(PAGES, (site.here, site.secure), strict=True):
        site.log.clear()
        folder = tmp_path_factory.mktemp("everything")
        job = CaptureJob(
            "0191e6c0-0000-7000-8000-000000000001", Address.parse(origin + page), folder,
            site.policy, "op-1", "inst-1", "test", CaptureOptions(time_limit=60),
        )  # fmt: skip
        made[page] = Compared(engine.capture(job), site)
    return made


both = pytest.mark.parametrize("page", PAGES)


@both
def test_the_page_asked_for_everything(compared: dict[str, Compared], page: str) -> None:
    lines = compared[page].lines
    assert len({(line.ask.method, line.ask.path) for line in lines}) >= {"/": 85, "/h2": 14}[page]
    if page == "/":
        assert b"all asked" in compared[page].written.attachment("text")
    else:
        assert {line.ask.protocol for line in lines} == {"h2"}


@both
def test_records_are_the_servers_log_and_nothing_extra(
    compared: dict[str, Compared], page: str
) -> None:
    here = compared[page]
    said = Counter((line.ask.method, uri(line.url), line.status) for line in here.answered)
    kept = Counter(
        (asked.method, told.target, told.status) for asked, told in here.written.exchanges()
    )
    assert kept == said


@both
def test_every_payload_has_the_servers_sha256(compared: dict[str, Compared], page: str) -> None:
    here = compared[page]
    whole = [line for line in here.answered if line.end is End.WHOLE and line.ask.path != "/events"]
    said = Counter((uri(line.url), line.sha256, line.size) for line in whole)
    broken = {uri(line.url) for line in here.answered if line not in whole}
    kept = Counter(
        (one.target, one.sha256, len(one.body))
        for one in here.written.of("response")
        if one.target not in broken
    )
    assert kept == said


@both
def test_set_cookie_is_the_servers(compared: dict[str, Compared], page: str) -> None:
    here = compared[page]

    def of(lines: list[tuple[str, list[str]]]) -> Counter[tuple[str, tuple[str, ...]]]:
        return Counter((url, tuple(cookies)) for url, cookies in lines)

    said = of([(uri(line.url), line.set_cookies) for line in here.answered])
    kept = of([(one.target, one.set_cookies) for one in here.written.of("response")])
    assert kept == said
    assert sum(len(cookies) for _url, cookies in said) >= 8


@both
def test_what_was_sent_is_what_the_server_got(compared: dict[str, Compared], page: str) -> None:
    here = compared[page]
    said = Counter((line.ask.method, uri(line.url), line.ask.body) for line in here.answered)
    kept = Counter(
        (asked.method, told.target, asked.body) for asked, told in here.written.exchanges()
    )
    unknown = {  # a browser does not tell the bytes of a file that is sent
        one["url"] for one in here.written.ledger if "body of the request" in (one["error"] or "")
    }
    assert {key for key in kept if key[1] not in unknown} == {
        key for key in said if key[1] not in unknown
    }


def test_a_body_that_broke_off_is_kept_and_marked(compared: dict[str, Compared]) -> None:
    for page, path in (("/", "/cut"), ("/", "/reset"), ("/h2", "/h2-reset")):
        one = _response(compared[page].written, path)
        assert len(one.body) == 5000
        assert len(set(one.body)) == 1
        assert one.truncated == "disconnect"
        assert _line(compared[page].written, path)["error"]


def test_an_event_stream_is_kept_as_far_as_the_page_heard_it(compared: dict[str, Compared]) -> None:
    one = _response(compared["/"].written, "/events")
    assert one.body.startswith(b"data: one\n\ndata: two\n\ndata: three\n\n")
    assert one.truncated == "disconnect"


def test_every_missing_exchange_is_in_the_ledger_with_its_error(
    compared: dict[str, Compared], site: Site
) -> None:
    written = compared["/"].written
    missing = {line.ask.path for line in compared["/"].unanswered}
    assert missing == {"/slow", "/silent"}
    for path in missing:
        assert _line(written, path)["error"] in {"ERR_ABORTED", "ERR_EMPTY_RESPONSE"}
        assert _line(written, path)["record"] is None
    closed = [one for one in written.ledger if one["url"] == site.closed + "/"]
    assert [one["source"] for one in closed] == ["nowhere"]
    assert closed[0]["error"].startswith("unreachable")
    blocked = _line(written, "/blocked-by-csp.png")
    assert (blocked["status"], blocked["error"]) == (None, "blocked (csp)")
    assert compared["/"].made.outcome is Outcome.PARTIAL


@both
def test_the_ledger_names_every_record_and_says_why_where_there_is_none(
    compared: dict[str, Compared], page: str
) -> None:
    written = compared[page].written
    named = [one["record"] for one in written.ledger if one["source"] == "network"]
    assert sorted(named) == sorted(one.headers["WARC-Record-ID"] for one in written.of("response"))
    for one in written.ledger:
        assert one["record"] or one["error"] or one["source"] == "service-worker", one


def test_answers_that_did_not_come_over_the_network_make_no_record(
    compared: dict[str, Compared],
) -> None:
    written = compared["/"].written
    sources = [one["source"] for one in written.ledger if one["url"].endswith("/cached")]
    assert sorted(sources) == ["cache", "network"]
    for path in ("/through-sw", "/made-by-sw"):
        assert _line(written, path)["source"] == "service-worker"
    stale = [one["status"] for one in written.ledger if one["url"].endswith("/stale")]
    assert sorted(stale) == [200, 304]


def test_websocket_frames_are_kept(compared: dict[str, Compared]) -> None:
    sockets = {
        one["url"].rpartition("/")[2]: one
        for one in map(json.loads, compared["/"].written.attachments("websocket"))
    }
    assert set(sockets) == {"socket", "worker-socket"}
    frames = sockets["socket"]["frames"]
    told = [(one["direction"], one.get("text"), one.get("base64")) for one in frames]
    assert told[:2] == [("sent", "棉花", None), ("sent", None, "AP+ACg0=")]
    assert [one[1:] for one in told if one[0] == "received"][:2] == [
        ("echo 6", None),
        (None, "AP8="),
    ]
    assert sockets["worker-socket"]["frames"][0]["text"] == "w"


def test_every_kind_of_target_was_recorded(compared: dict[str, Compared]) -> None:
    targets = compared["/"].written.provenance["targets"]
    assert targets["page"] == 1
    assert targets["iframe"] >= 1  # of another site: a process of its own
    assert targets["worker"] == 3
    assert (targets["shared_worker"], targets["service_worker"]) == (1, 1)


def test_the_picture_shows_the_frame_of_another_site(compared: dict[str, Compared]) -> None:
    with Image.open(io.BytesIO(compared["/"].written.attachment("fullPage"))) as picture:
        colours = {c: n for n, c in picture.convert("RGB").getcolors(1 << 24) or []}
        assert picture.height > 6000  # to the end of what scrolling brought
    assert colours.get((250, 10, 120), 0) > 20_000


def test_http2_is_named_and_its_certificate_kept(compared: dict[str, Compared], site: Site) -> None:
    written = compared["/h2"].written
    assert {one.headers.get("WARC-Protocol") for one in written.of("response")} == {"h2"}
    assert _response(written, "/h2").http_headers.count(("x-twice", "1")) == 1
    pem = written.attachment("cert").decode()
    assert pem.count("BEGIN CERTIFICATE") == 2
    assert site.certificate_pem.strip() in pem
    assert written.provenance["tls"]["protocol"] == "TLS 1.3"


@both
def test_the_warc_is_intact(compared: dict[str, Compared], page: str) -> None:
    warc = compared[page].made.warc
    assert warc is not None
    assert verify_file(warc.path).verdict is VerdictWord.INTACT


def _response(written: Written, path: str) -> Block:
    return next(one for one in written.of("response") if one.target.endswith(path))


def _line(written: Written, path: str) -> dict[str, object]:
    return next(one for one in written.ledger if one["url"].endswith(path))
