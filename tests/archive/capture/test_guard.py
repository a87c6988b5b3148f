"""The guard: nothing private is reached by any door, in any spelling, and every refusal is kept."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archive.capture.http import HttpEngine
from archive.capture.job import CaptureJob, CaptureOptions, CaptureResult
from archive.capture.network import Guard, GuardOutcome, GuardPolicy
from archive.capture.outcome import Outcome
from archive.errors import AddressError
from archive.reader import walk
from archive.record import Record
from archive.urlkey import Address

# What a hostile page may write for an address inside: every one must be judged as what it is.
SPELLINGS = """
127.0.0.1 127.0.0.1. 127.1 127.0.1 127.255.255.254 0177.0.0.1 0177.1 0x7f.0.0.1 0x7f.1 0x7F.0x0.0x0.0x1
2130706433 0x7f000001 017700000001 0000000177.0.0.1 0x0000007f.1 0 0.0.0.0 00 0x0 0.1
169.254.169.254 0xa9fea9fe 2852039166 025177524776 0xa9.0xfe.0xa9.0xfe 0251.0376.0251.0376 169.254.43518
0xa9.254.0251.254 10.0.0.1 10.1 167772161 0x0a000001 012.0.0.1 01200000001 172.16.0.1 0xac.16.1 2886729729
192.168.0.1 192.168.257 0xc0a80001 3232235521 0300.0250.0.1 100.64.0.1 100.100.100.200 168.63.129.16
198.18.0.1 192.0.0.192 224.0.0.1 255.255.255.255 4294967295 0xffffffff
[::1] [0:0:0:0:0:0:0:1] [0000:0000:0000:0000:0000:0000:0000:0001] [::] [::127.0.0.1] [::7f00:1]
[::ffff:127.0.0.1] [::ffff:7f00:1] [::FFFF:7F00:0001] [0:0:0:0:0:ffff:127.0.0.1] [::ffff:0:127.0.0.1]
[::ffff:169.254.169.254] [::ffff:a9fe:a9fe] [::ffff:10.0.0.1] [64:ff9b::169.254.169.254] [64:ff9b::a9fe:a9fe]
[64:ff9b::7f00:1] [64:ff9b:1::a00:1] [2002:7f00:1::] [2002:a9fe:a9fe::1] [2002:0a00:0001::1]
[2001:0:a9fe:a9fe::1] [2001:0:808:808::80ff:fffe] [2001:0000:0a00:0001:0:0:0:1] [fe80::1] [fec0::1]
[fc00::1] [fd00:ec2::254] [fd12:3456:789a::1] [ff02::1] [ff05::2] [100::1] [2001:db8::1]
[2606:4700::5efe:127.0.0.1] [2606:4700::200:5efe:a00:1] [3fff::1] [5f00::1]
""".split()
BEYOND_ASCII = [
    "①②⑦.⓪.⓪.①",
    "１２７.０.０.１",
    "127。0。0。1",
    "⑩.0.0.1",
    "𝟏𝟐𝟕.𝟎.𝟎.𝟏",
    "１６９．２５４．１６９．２５４",
]


def ask(guard: Guard, host: str, port: int) -> int:
    """Ask the guard's SOCKS5 door for a host by name; give its reply code."""
    with socket.create_connection(("127.0.0.1", guard.port), timeout=10) as stream:
        stream.sendall(b"\x05\x01\x00")
        assert stream.recv(2) == b"\x05\x00"
        name = host.encode()
        stream.sendall(b"\x05\x01\x00\x03" + bytes([len(name)]) + name + struct.pack("!H", port))
        return stream.recv(10)[1]


def capture(url: str, folder: Path, *allowed: tuple[str, int], **options: Any) -> CaptureResult:
    folder.mkdir(exist_ok=True)
    policy = GuardPolicy(allowed=frozenset(allowed))
    chosen = CaptureOptions(time_limit=20, **options)
    job = CaptureJob("id", Address.parse(url), folder, policy, "op", "inst", "test", chosen)
    return HttpEngine().capture(job)


def test_there_are_enough_spellings() -> None:
    assert len({*SPELLINGS, *BEYOND_ASCII}) >= 80


def test_no_spelling_of_a_private_address_is_reached_through_the_proxy(
    connections: list[tuple[str, int]],
) -> None:
    with Guard(GuardPolicy()) as guard:
        door = ("127.0.0.1", guard.port)
        replies = {spelling: ask(guard, spelling.strip("[]"), 80) for spelling in SPELLINGS}
        log = guard.log
    assert set(replies.values()) == {2}, replies
    assert set(connections) == {door}
    assert len(log) == len(SPELLINGS)
    assert {entry.outcome for entry in log} == {GuardOutcome.REFUSED_ADDRESS}
    assert all(entry.address and entry.detail for entry in log)


@pytest.mark.parametrize("spelling", [*SPELLINGS, *BEYOND_ASCII])
def test_no_spelling_of_a_private_address_is_reached_by_the_http_engine(
    spelling: str, tmp_path: Path, connections: list[tuple[str, int]]
) -> None:
    try:
        made = capture(f"http://{spelling}/", tmp_path)
    except AddressError:
        assert connections == []
        return
    assert made.outcome is Outcome.REFUSED, made.reason
    assert made.warc is None
    assert [entry.outcome for entry in made.guard] == [GuardOutcome.REFUSED_ADDRESS]
    assert connections == []


@pytest.mark.parametrize("answer", ["127.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1"])
def test_a_name_that_resolves_to_a_private_address(
    answer: str, false_dns: Any, connections: list[tuple[str, int]], tmp_path: Path
) -> None:
    false_dns.answers["inside.example.org"] = [[answer]]
    made = capture("http://inside.example.org/", tmp_path)
    assert made.outcome is Outcome.REFUSED
    assert connections == []
    [entry] = made.guard
    assert (entry.host, entry.outcome) == ("inside.example.org", GuardOutcome.REFUSED_ADDRESS)


def test_every_answer_is_judged_and_only_the_good_one_reached(
    false_dns: Any, serve: Callable[..., Any], tmp_path: Path, connections: list[tuple[str, int]]
) -> None:
    port, _ = serve({"/": b"<p>here"})
    false_dns.answers["mixed.example.org"] = [["10.0.0.1", "169.254.169.254", "127.0.0.1"]]
    made = capture(f"http://mixed.example.org:{port}/", tmp_path, ("127.0.0.1", port))
    assert made.outcome is Outcome.COMPLETE, made.reason
    assert connections == [("127.0.0.1", port)]
    refused = [one.address for one in made.guard if one.outcome is GuardOutcome.REFUSED_ADDRESS]
    assert refused == ["10.0.0.1", "169.254.169.254"]


def test_a_name_that_changes_its_answer_is_held_to_the_first(
    false_dns: Any, serve: Callable[..., Any], tmp_path: Path, connections: list[tuple[str, int]]
) -> None:
    page = b"<p>words<img src=/a.png><img src=/b.png><link rel=stylesheet href=/c.css>"
    port, asked = serve({"/": page, "/a.png": b"a", "/b.png": b"b", "/c.css": b"c"})
    false_dns.answers["turncoat.example.org"] = [["127.0.0.1"], ["10.0.0.1"]]
    made = capture(f"http://turncoat.example.org:{port}/", tmp_path, ("127.0.0.1", port))
    assert made.outcome is Outcome.COMPLETE, made.reason
    assert sorted(asked) == ["/", "/a.png", "/b.png", "/c.css"]
    assert set(connections) == {("127.0.0.1", port)}
    assert false_dns.asked == ["turncoat.example.org"]


def test_a_name_first_public_then_private_never_leads_inside(false_dns: Any) -> None:
    false_dns.answers["flip.example.org"] = [["127.0.0.1"], ["8.8.8.8"]]
    with Guard(GuardPolicy()) as guard:
        assert ask(guard, "flip.example.org", 80) == 2
        assert ask(guard, "flip.example.org", 80) == 2
    assert false_dns.asked == ["flip.example.org"]


@pytest.mark.parametrize(
    "target",
    ["http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/", "http://[::1]/",
     "http://[::ffff:169.254.169.254]/", "http://2130706433/"],
)  # fmt: skip
def test_a_redirect_into_private_space_is_not_followed(
    target: str, serve: Callable[..., Any], tmp_path: Path, connections: list[tuple[str, int]]
) -> None:
    port, _ = serve({})
    made = capture(f"http://127.0.0.1:{port}/to?{target}", tmp_path, ("127.0.0.1", port))
    assert made.outcome is Outcome.REFUSED, made.reason
    assert connections == [("127.0.0.1", port)]
    assert made.warc is not None, "the redirect itself is evidence"
    assert GuardOutcome.REFUSED_ADDRESS in {entry.outcome for entry in made.guard}


def test_the_address_of_each_record_is_the_one_in_the_log(
    serve: Callable[..., Any], tmp_path: Path, false_dns: Any
) -> None:
    port, _ = serve({"/": b"<p>x<img src=/a.png><img src=//two.example.org/b.png>", "/a.png": b"a"})
    false_dns.answers["one.example.org"] = [["127.0.0.1"]]
    false_dns.answers["two.example.org"] = [["10.9.9.9"]]
    made = capture(f"http://one.example.org:{port}/", tmp_path, ("127.0.0.1", port))
    assert made.warc is not None
    responses = [
        one for one in walk(made.warc.path) if isinstance(one, Record) and one.type == "response"
    ]
    logged = {one.address for one in made.guard if one.outcome is GuardOutcome.CONNECTED}
    assert len(responses) == 2
    assert {one.header("WARC-IP-Address") for one in responses} == logged == {"127.0.0.1"}
    assert all(one.bytes_in > 0 for one in made.guard if one.outcome is GuardOutcome.CONNECTED)


@pytest.mark.parametrize("port", [22, 25, 53, 6667])
def test_ports_of_other_services_are_refused(port: int, false_dns: Any) -> None:
    false_dns.answers["example.org"] = [["93.184.216.34"]]
    with Guard(GuardPolicy()) as guard:
        assert ask(guard, "example.org", port) == 2
        assert [one.outcome for one in guard.log] == [GuardOutcome.REFUSED_PORT]
    assert false_dns.asked == []


def test_nothing_but_connect_is_served() -> None:
    with Guard(GuardPolicy()) as guard:
        for command in (2, 3, 0xF0):
            with socket.create_connection(("127.0.0.1", guard.port)) as stream:
                stream.sendall(b"\x05\x01\x00")
                stream.recv(2)
                stream.sendall(bytes([5, command, 0, 1, 127, 0, 0, 1, 0, 80]))
                assert stream.recv(10)[1] == 7
        assert {one.outcome for one in guard.log} == {GuardOutcome.MALFORMED}


def test_the_browsers_own_calls_are_refused(false_dns: Any) -> None:
    with Guard(GuardPolicy()) as guard:
        assert ask(guard, "r3---sn-x.gvt1.com", 443) == 2
        assert [one.outcome for one in guard.log] == [GuardOutcome.REFUSED_HOST]
    assert false_dns.asked == []


def test_it_is_shut_while_a_browser_does_not_read_what_it_asked_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        with (
            Guard(GuardPolicy(frozenset({(host, port)}))) as guard,
            socket.create_connection(("127.0.0.1", guard.port)) as stream,
        ):
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stream.sendall(b"\x05\x01\x00\x05\x01\x00\x01" + socket.inet_aton(host))
            stream.sendall(struct.pack("!H", port))
            assert stream.recv(12)
            far, _ = server.accept()
            with far:
                far.settimeout(0.5)
                with pytest.raises(TimeoutError):  # every buffer on the way is full
                    far.sendall(bytes(1 << 27))
                shutting = threading.Thread(target=guard.shut, daemon=True)
                shutting.start()
                shutting.join(10)
                assert not shutting.is_alive()
        [entry] = guard.log
    assert entry.outcome is GuardOutcome.CONNECTED
