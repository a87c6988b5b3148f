"""A hostile page in a real browser: it reaches nothing inside, by no way a page has."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archive.capture.browser.engine import BrowserEngine
from archive.capture.browsers import find_browser
from archive.capture.egress import Egress, NamesBy
from archive.capture.job import CaptureJob, CaptureOptions, CaptureResult
from archive.capture.network import REFUSALS, GuardOutcome, GuardPolicy
from archive.capture.outcome import Outcome
from archive.reader import walk
from archive.record import Record
from archive.urlkey import Address
from tests.site.proxy import Proxy
from tests.site.written import Written

pytestmark = pytest.mark.browser

INSIDE = """
127.0.0.1:{trap} localhost:{trap} [::1]:{trap6} 2130706433:{trap} 0x7f.1:{trap} 127.1:{trap}
[::ffff:127.0.0.1]:{trap} 169.254.169.254 10.0.0.1 192.168.1.1 [64:ff9b::a9fe:a9fe] [::ffff:a9fe:a9fe]
[2002:7f00:1::] turncoat.test:{trap} inside.test:{trap}
""".split()
PAGE = """<!doctype html><title>hostile</title><p id=p>words</p>
<link rel=preconnect href="http://127.0.0.1:{trap}"><link rel=dns-prefetch href="//leaked.test">
<link rel=stylesheet href="http://127.0.0.1:{trap}/s.css"><img src="http://[::1]:{trap6}/i.png">
<iframe src="http://127.0.0.1:{trap}/frame"></iframe><video src="http://10.0.0.1/v.mp4"></video>
<script>
for (const host of {hosts}) fetch('http://' + host + '/x', {{mode: 'no-cors'}}).catch(() => 0);
navigator.sendBeacon('http://127.0.0.1:{trap}/beacon', 'x');
try {{ new WebSocket('ws://127.0.0.1:{trap}/ws') }} catch (e) {{}}
try {{ new EventSource('http://127.0.0.1:{trap}/es') }} catch (e) {{}}
fetch('/to?http://169.254.169.254/latest/meta-data/').catch(() => 0);
fetch('/to?http://127.0.0.1:{trap}/redirected').catch(() => 0);
const worker = new Worker(URL.createObjectURL(new Blob(
  ["fetch('http://127.0.0.1:{trap}/worker').catch(() => 0)"])));
const peer = new RTCPeerConnection({{iceServers: [{{urls: 'stun:127.0.0.1:{udp}'}}]}});
peer.createDataChannel('x'); peer.createOffer().then(o => peer.setLocalDescription(o));
fetch('http://good.test:{port}/words').then(a => a.text()).then(t => {{ p.textContent += ' ' + t }});
</script>"""


class Hostile(http.server.BaseHTTPRequestHandler):
    """The page, its words, and redirects."""

    page = b""

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path == "/to":
            self.send_response(302)
            self.send_header("Location", query)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = type(self).page if path == "/" else b"allowed"
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


class Traps:
    """Listeners inside: TCP on 127.0.0.1 and ::1, UDP on 127.0.0.1. Whatever comes is caught."""

    def __init__(self) -> None:
        self.caught: list[str] = []
        self._ended = threading.Event()
        self.four = socket.create_server(("127.0.0.1", 0))
        self.six = socket.create_server(("::1", 0), family=socket.AF_INET6)
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self._threads = [
            threading.Thread(target=self._watch, args=(one,), daemon=True)
            for one in (self.four, self.six, self.udp)
        ]
        for thread in self._threads:
            thread.start()

    def _watch(self, listener: socket.socket) -> None:
        listener.settimeout(0.1)
        while not self._ended.is_set():
            try:
                if listener is self.udp:
                    self.caught.append(f"udp {listener.recv(100)!r}")
                else:
                    stream, _ = listener.accept()
                    self.caught.append(f"tcp {stream.recv(200)!r}")
                    stream.close()
            except TimeoutError:
                continue

    def close(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()
        for one in (self.four, self.six, self.udp):
            one.close()


@pytest.fixture
def traps() -> Iterator[Traps]:
    made = Traps()
    yield made
    made.close()


@pytest.fixture
def port() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every address this process, and so the guard in it, connects to."""
    made: list[str] = []
    connect = socket.socket.connect

    def noted(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6}:
            made.append(f"{address[0]} {address[1]}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", noted)
    return made


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A DNS of three names, one of which turns from the site to the trap; keeps what was asked."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def told(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(host, str) and host.endswith(".test"):
            asked.append(host)
            answer = {"inside.test": "10.1.1.1"}.get(host, "127.0.0.1")
            return real(answer, port, type=socket.SOCK_STREAM)
        return real(host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", told)
    return asked


def capture(url: str, folder: Path, policy: GuardPolicy) -> CaptureResult:
    binary = find_browser(None)
    assert binary is not None, "no Chromium that starts: make setup finds or installs one"
    folder.mkdir(exist_ok=True)
    options = CaptureOptions(time_limit=30)
    job = CaptureJob("id", Address.parse(url), folder, policy, "op", "inst", "test", options)
    return BrowserEngine(binary).capture(job)


def hostile_page(port: int, traps: Traps) -> bytes:
    trap, trap6 = traps.four.getsockname()[1], traps.six.getsockname()[1]
    hosts = [one.format(trap=trap, trap6=trap6) for one in INSIDE]
    udp = traps.udp.getsockname()[1]
    return PAGE.format(trap=trap, trap6=trap6, udp=udp, port=port, hosts=hosts).encode()


def test_a_hostile_page_reaches_nothing_inside(
    port: int, traps: Traps, tmp_path: Path, names: list[str], reached: list[str]
) -> None:
    Hostile.page = hostile_page(port, traps)
    policy = GuardPolicy(allowed=frozenset({("127.0.0.1", port)}))
    made = capture(f"http://good.test:{port}/", tmp_path, policy)
    assert traps.caught == []
    assert made.text == "words allowed", "the page was seen, and what it may reach was reached"
    refused = {(one.host, one.outcome) for one in made.guard if one.outcome in REFUSALS}
    for host in ("127.0.0.1", "localhost", "::1", "169.254.169.254", "10.0.0.1", "192.168.1.1",
                 "64:ff9b::a9fe:a9fe", "::ffff:a9fe:a9fe", "2002:7f00:1::", "turncoat.test",
                 "inside.test"):  # fmt: skip
        assert (host, GuardOutcome.REFUSED_ADDRESS) in refused, (host, sorted(refused))
    site = f"127.0.0.1 {port}"
    inside = [one for one in reached if one.split()[0] != "127.0.0.1" or one == site]
    assert set(inside) == {site}, "the guard connected to the allowed site alone"
    assert len(names) == len(set(names)), "a name was looked up twice"
    assert made.warc is not None
    logged = {one.address for one in made.guard if one.outcome is GuardOutcome.CONNECTED}
    addresses = {
        one.header("WARC-IP-Address")
        for one in walk(made.warc.path)
        if isinstance(one, Record) and one.type == "response"
    }
    assert addresses == logged == {"127.0.0.1"}


@pytest.mark.parametrize("target", ["http://10.0.0.1/", "http://inside.test/"])
def test_an_address_inside_is_refused_and_the_refusal_kept(
    target: str, tmp_path: Path, names: list[str]
) -> None:
    made = capture(target, tmp_path, GuardPolicy())
    assert (made.outcome, made.warc) == (Outcome.REFUSED, None)
    assert [one.outcome for one in made.guard] == [GuardOutcome.REFUSED_ADDRESS]
    assert names == (["inside.test"] if "inside" in target else [])


def test_the_browser_has_no_way_beside_a_dead_proxy(
    port: int, traps: Traps, tmp_path: Path, names: list[str], reached: list[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        dead = closed.getsockname()[1]
    Hostile.page = hostile_page(port, traps)
    for names_by in NamesBy:
        egress = Egress("127.0.0.1", dead, names=names_by, resolver="9.9.9.9")
        policy = GuardPolicy(frozenset({("127.0.0.1", port)}), egress=egress)
        made = capture(f"http://127.0.0.1:{port}/", tmp_path / names_by, policy)
        assert made.outcome is Outcome.FAILED, made.reason
        assert GuardOutcome.EGRESS_DOWN in {one.outcome for one in made.guard}
    assert traps.caught == []
    assert names == []
    assert f"127.0.0.1 {port}" not in reached


class Fading(http.server.BaseHTTPRequestHandler):
    """A page whose first picture is the proxy's end; all that follows is asked for after it."""

    proxy: Proxy
    asked: list[str]
    page = b"""<!doctype html><title>fading</title><p>words</p><img id=first src=/end.png>
<script>first.onerror = () => { for (let n = 0; n < 12; n++) {
  const one = new Image(); one.src = '/after-' + n + '.png'; document.body.append(one) }
  fetch('/after-fetch').catch(() => 0);
  try { new WebSocket('ws://' + location.host + '/after-socket') } catch (e) {}
  navigator.sendBeacon('/after-beacon', 'x') }</script>"""

    def do_GET(self) -> None:
        type(self).asked.append(self.path)
        if self.path == "/end.png":
            type(self).proxy.stop()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(self.page)))
        self.end_headers()
        self.wfile.write(self.page)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def test_nothing_goes_another_way_when_the_proxy_dies_under_a_page(
    traps: Traps, tmp_path: Path, reached: list[str]
) -> None:
    """Whoever connects to the site's address directly is caught: only the proxy knows the site."""
    proxy = Proxy()
    proxy.start()
    handler = type("Handler", (Fading,), {"proxy": proxy, "asked": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    host, trap = traps.four.getsockname()
    proxy.places[(host, trap)] = server.server_port
    egress = Egress("127.0.0.1", proxy.port, names=NamesBy.RESOLVER, resolver="9.9.9.9")
    made = capture(
        f"http://{host}:{trap}/", tmp_path, GuardPolicy(frozenset({(host, trap)}), egress=egress)
    )
    server.shutdown()
    server.server_close()
    assert handler.asked == ["/", "/end.png"]
    assert traps.caught == []
    others = {one for one in reached if one != f"127.0.0.1 {server.server_port}"}
    assert others == {f"127.0.0.1 {egress.port}"}
    assert (made.outcome, made.text) == (Outcome.PARTIAL, "words"), made.reason
    assert GuardOutcome.EGRESS_DOWN in {one.outcome for one in made.guard}
    assert made.warc is not None
    ledger = Written(made.warc.path).ledger
    lost = {one["url"].rpartition("/")[2] for one in ledger if one["error"]}
    after = {f"after-{number}.png" for number in range(12)} | {"after-fetch", "after-beacon"}
    assert {"end.png", *after} <= lost
    assert all(one["record"] is None for one in ledger if one["error"])
