"""A project's proxy: every connection and every name goes through it, or nowhere."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from archive.capture.egress import Egress, NamesBy
from archive.capture.http import HttpEngine
from archive.capture.job import CaptureJob, CaptureOptions, CaptureResult
from archive.capture.network import GuardOutcome, GuardPolicy
from archive.capture.outcome import Outcome
from archive.urlkey import Address

PUBLIC = "93.184.216.34"
SECRET = "proxy-password-4711"


@pytest.fixture(autouse=True)
def names_asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every name looked up on this machine; a project with a proxy looks none up."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def told(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if not kwargs.get("flags", 0) & socket.AI_NUMERICHOST:
            asked.append(str(host))
        return real(host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", told)
    yield asked
    assert asked == [], "a name left this machine beside the proxy"


def through(proxy: Any, **more: Any) -> Egress:
    said = {"names": NamesBy.RESOLVER, "resolver": "9.9.9.9", **more}
    return Egress("127.0.0.1", proxy.port, **said)


def capture(url: str, folder: Path, egress: Egress, **options: Any) -> CaptureResult:
    folder.mkdir(exist_ok=True)
    chosen = CaptureOptions(time_limit=20, **options)
    policy = GuardPolicy(egress=egress)
    job = CaptureJob("id", Address.parse(url), folder, policy, "op", "inst", "test", chosen)
    return HttpEngine().capture(job)


def test_names_are_looked_up_through_the_proxy_and_the_judged_address_is_asked_for(
    proxy: Any, serve: Callable[..., Any], tmp_path: Path, connections: list[tuple[str, int]]
) -> None:
    port, asked = serve({"/": b"<p>words<img src=/a.png>", "/a.png": b"a"})
    proxy.names["news.example.org"] = [PUBLIC, "2606:4700::1111"]
    proxy.places[(PUBLIC, 8080)] = port
    made = capture("http://news.example.org:8080/", tmp_path, through(proxy))
    assert made.outcome is Outcome.COMPLETE, made.reason
    assert asked == ["/", "/a.png"]
    assert set(proxy.questions) == {"news.example.org"}
    assert set(proxy.targets) == {("9.9.9.9", 53), (PUBLIC, 8080)}
    from_here = [place for place in connections if place != ("127.0.0.1", port)]
    assert set(from_here) == {("127.0.0.1", proxy.port)}
    assert {one.address for one in made.guard} == {PUBLIC}


def test_a_name_that_the_name_server_puts_inside_is_refused(proxy: Any, tmp_path: Path) -> None:
    proxy.names["inside.example.org"] = ["10.0.0.8", "::ffff:127.0.0.1"]
    made = capture("http://inside.example.org/", tmp_path, through(proxy))
    assert made.outcome is Outcome.REFUSED
    assert set(proxy.targets) == {("9.9.9.9", 53)}
    assert {one.address for one in made.guard} == {"10.0.0.8", "::ffff:7f00:1"}


def test_a_proxy_that_looks_names_up_gets_the_name(
    proxy: Any, serve: Callable[..., Any], tmp_path: Path
) -> None:
    port, _ = serve({"/": b"<p>words"})
    proxy.places[("duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion", 80)] = port
    url = "http://duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion/"
    made = capture(url, tmp_path, through(proxy, names=NamesBy.PROXY))
    assert made.outcome is Outcome.COMPLETE, made.reason
    assert [one.address for one in made.guard] == [None]
    assert made.warc is not None
    assert proxy.questions == []


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:10.0.0.1]", "169.254.169.254",
     "localhost", "router", "printer.local", "db.internal", "x.home.arpa", "a.lan", "a.localhost",
     "10.0.0.1.nip.io", "www.192-168-1-1.sslip.io", "app.localtest.me"],
)  # fmt: skip
def test_what_can_only_be_inside_is_not_told_to_the_proxy(
    host: str, proxy: Any, tmp_path: Path
) -> None:
    made = capture(f"http://{host}/", tmp_path, through(proxy, names=NamesBy.PROXY))
    assert made.outcome is Outcome.REFUSED, made.reason
    assert proxy.targets == []
    assert len(made.guard) == 1


def test_user_and_password_are_given(proxy: Any, serve: Callable[..., Any], tmp_path: Path) -> None:
    port, _ = serve({"/": b"<p>words"})
    proxy.user, proxy.password = "analyst", SECRET
    proxy.places[(PUBLIC, 80)] = port
    good = through(proxy, user="analyst", password=SECRET)
    assert capture(f"http://{PUBLIC}/", tmp_path / "a", good).outcome is Outcome.COMPLETE
    assert SECRET not in repr(good)
    wrong = through(proxy, user="analyst", password="guess")
    made = capture(f"http://{PUBLIC}/", tmp_path / "b", wrong)
    assert made.outcome is Outcome.FAILED
    assert [one.outcome for one in made.guard] == [GuardOutcome.EGRESS_DOWN]


@pytest.mark.parametrize("names", list(NamesBy))
def test_nothing_leaves_when_the_proxy_is_dead(
    names: NamesBy, proxy: Any, tmp_path: Path, connections: list[tuple[str, int]]
) -> None:
    egress = through(proxy, names=names)
    proxy.stop()
    for number, url in enumerate((f"http://{PUBLIC}/", "http://news.example.org/")):
        made = capture(url, tmp_path / str(number), egress)
        assert made.outcome is Outcome.FAILED, made.reason
        assert "proxy" in made.reason
        assert {one.outcome for one in made.guard} == {GuardOutcome.EGRESS_DOWN}
    assert set(connections) == {("127.0.0.1", egress.port)}


def test_nothing_leaves_when_the_proxy_dies_in_the_middle(
    proxy: Any, serve: Callable[..., Any], tmp_path: Path, connections: list[tuple[str, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    port, asked = serve({"/": b"<p>words" + b"".join(b"<img src=/%d>" % n for n in range(20))})
    proxy.places[(PUBLIC, 80)] = port
    egress = through(proxy)
    page = HttpEngine.capture

    def stopping(*_: Any) -> None:
        proxy.stop()

    monkeypatch.setattr("archive.capture.http.read_page", _after(stopping))
    made = page(
        HttpEngine(),
        CaptureJob(
            "id", Address.parse(f"http://{PUBLIC}/"), tmp_path, GuardPolicy(egress=egress), "o",
            "i", "t", CaptureOptions(time_limit=20),
        ),
    )  # fmt: skip
    assert asked == ["/"]
    assert made.outcome is Outcome.PARTIAL, made.reason
    down = [one for one in made.guard if one.outcome is GuardOutcome.EGRESS_DOWN]
    assert len(down) == 20
    others = [place for place in connections if place != ("127.0.0.1", port)]
    assert set(others) == {("127.0.0.1", egress.port)}


def _after(first: Callable[[], None]) -> Callable[..., Any]:
    from archive.capture.http_page import read_page

    def reading(*arguments: Any) -> Any:
        first()
        return read_page(*arguments)

    return reading


def test_the_proxy_stands_nowhere_in_the_warc(
    proxy: Any, serve: Callable[..., Any], tmp_path: Path
) -> None:
    port, _ = serve({"/": b"<p>words"})
    proxy.user, proxy.password = "analyst-name", SECRET
    proxy.places[(PUBLIC, 80)] = port
    egress = through(proxy, user=proxy.user, password=SECRET)
    made = capture(f"http://{PUBLIC}/", tmp_path, egress)
    assert made.warc is not None
    import gzip

    written = gzip.decompress(made.warc.path.read_bytes())
    for told in (f":{proxy.port}", str(proxy.port), "analyst-name", SECRET, "127.0.0.1"):
        assert told.encode() not in written
    assert b'"way_out": "proxy"' in written
