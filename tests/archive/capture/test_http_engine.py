"""The http engine against servers that answer as they please: every byte and every hop is kept."""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from archive.capture.guard_log import GuardOutcome
from archive.capture.http import HttpEngine
from archive.capture.http_wire import Deadline, Fetcher
from archive.capture.job import CaptureJob, CaptureOptions, CaptureResult
from archive.capture.network import Guard, GuardPolicy
from archive.capture.outcome import Outcome
from archive.digest import Digest
from archive.reader import read_payload, walk
from archive.record import Record
from archive.urlkey import Address

Answers = dict[str, bytes]


@pytest.fixture
def answer() -> Iterator[Callable[..., int]]:
    """A server that sends, for a path, exactly the bytes a test gives; then it hangs up."""
    ended = threading.Event()
    listeners: list[socket.socket] = []

    def start(answers: Answers, context: ssl.SSLContext | None = None) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(0.1)
        listeners.append(listener)
        threading.Thread(target=serve, args=(listener, answers, context), daemon=True).start()
        return int(listener.getsockname()[1])

    def serve(listener: socket.socket, answers: Answers, context: ssl.SSLContext | None) -> None:
        while not ended.is_set():
            try:
                plain, _ = listener.accept()
            except (TimeoutError, OSError):
                continue
            threading.Thread(target=talk, args=(plain, answers, context), daemon=True).start()

    def talk(plain: socket.socket, answers: Answers, context: ssl.SSLContext | None) -> None:
        try:
            stream = context.wrap_socket(plain, server_side=True) if context else plain
            with stream:
                asked = b""
                while b"\r\n\r\n" not in asked:
                    asked += stream.recv(4096)
                stream.sendall(answers[asked.split()[1].decode()])
        except OSError:
            plain.close()

    yield start
    ended.set()
    for one in listeners:
        one.close()


def capture(
    url: str, folder: Path, context: ssl.SSLContext | None = None, **options: Any
) -> CaptureResult:
    folder.mkdir(exist_ok=True)
    address = Address.parse(url)
    policy = GuardPolicy(allowed=frozenset({("127.0.0.1", address.port)}))
    chosen = CaptureOptions(time_limit=20, **options)
    job = CaptureJob("id", address, folder, policy, "op", "inst", "test", chosen)
    return HttpEngine(context).capture(job)


def responses(made: CaptureResult) -> list[Record]:
    assert made.warc is not None
    return [
        one for one in walk(made.warc.path) if isinstance(one, Record) and one.type == "response"
    ]


def resource(made: CaptureResult, target: str) -> bytes:
    assert made.warc is not None
    ref = next(
        one.ref
        for one in walk(made.warc.path)
        if isinstance(one, Record) and (one.target or "").startswith(target)
    )
    return read_payload(made.warc.path, ref, limit=1_000_000).body


def moved(to: str, body: bytes = b"moved") -> bytes:
    head = f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 8\r\n\r\n<p>words"


def test_every_hop_of_a_redirect_is_a_record_with_its_body(
    answer: Callable[..., int], tmp_path: Path
) -> None:
    port = answer({"/a": moved("/b"), "/b": moved("/c?q=1#top", b"again"), "/c?q=1": PAGE})
    made = capture(f"http://127.0.0.1:{port}/a", tmp_path)
    assert (made.outcome, made.status) == (Outcome.COMPLETE, 200)
    base = f"http://127.0.0.1:{port}"
    assert [one.target for one in responses(made)] == [f"{base}/a", f"{base}/b", f"{base}/c?q=1"]
    assert made.warc is not None
    bodies = [read_payload(made.warc.path, one.ref, limit=1000).body for one in responses(made)]
    assert bodies == [b"moved", b"again", b"<p>words"]
    provenance = json.loads(resource(made, "urn:provenance:"))
    assert provenance["redirects"] == [f"{base}/a", f"{base}/b"]


def test_a_circle_of_redirects_ends(answer: Callable[..., int], tmp_path: Path) -> None:
    port = answer({"/a": moved("/b"), "/b": moved("/a")})
    made = capture(f"http://127.0.0.1:{port}/a", tmp_path, redirect_limit=4)
    assert made.outcome is Outcome.FAILED
    assert len(responses(made)) == 5


@pytest.mark.parametrize(
    ("raw", "truncated"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 999\r\n\r\n<p>words", "disconnect"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n<p>words\r\n",
         "disconnect"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>words" + b"x" * 2_000_000, "length"),
    ],
    ids=["length", "chunks", "limit"],
)  # fmt: skip
def test_a_body_that_breaks_off_is_kept_and_called_truncated(
    raw: bytes, truncated: str, answer: Callable[..., int], tmp_path: Path
) -> None:
    port = answer({"/": raw})
    made = capture(f"http://127.0.0.1:{port}/", tmp_path, body_limit=1_000_000)
    assert made.outcome is Outcome.PARTIAL
    [record] = responses(made)
    assert record.header("WARC-Truncated") == truncated
    assert made.text.startswith("words")


def test_interim_answers_are_no_record(answer: Callable[..., int], tmp_path: Path) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </x.css>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    port = answer({"/": early + PAGE})
    made = capture(f"http://127.0.0.1:{port}/", tmp_path)
    assert [made.status, len(responses(made)), made.text] == [200, 1, "words"]


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_answers_without_a_body_have_none_whatever_their_headers_say(
    status: str, answer: Callable[..., int], tmp_path: Path
) -> None:
    port = answer({"/": f"HTTP/1.1 {status}\r\nContent-Length: 500\r\n\r\n".encode()})
    made = capture(f"http://127.0.0.1:{port}/", tmp_path)
    [record] = responses(made)
    assert made.warc is not None
    assert read_payload(made.warc.path, record.ref, limit=100).body == b""
    assert record.header("WARC-Truncated") is None


def test_an_answer_to_head_has_no_body(answer: Callable[..., int], tmp_path: Path) -> None:
    port = answer({"/": b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"})
    policy = GuardPolicy(allowed=frozenset({("127.0.0.1", port)}))
    with Guard(policy) as guard, (tmp_path / "body").open("w+b") as body:
        fetcher = Fetcher(guard, Deadline(10), (), tls_context=ssl.create_default_context())
        fetched = fetcher.get(
            Address.parse(f"http://127.0.0.1:{port}/"), body, limit=1000,
            resource_type="document", method="HEAD",
        )  # fmt: skip
    assert (fetched.copied.length, fetched.copied.truncated) == (0, None)
    assert fetched.exchange.method == "HEAD"


@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        ("application/atom+xml", "<feed><title>新闻</title></feed>".encode(), "新闻"),
        ("application/pdf", b"%PDF-1.7 \x00\xff", ""),
        ("application/json", '{"a": "كلمة"}'.encode(), "كلمة"),
    ],
)
def test_feeds_and_files_are_kept_byte_for_byte(
    kind: str, body: bytes, text: str, answer: Callable[..., int], tmp_path: Path
) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    port = answer({"/files/report%20one": head.encode() + body})
    made = capture(f"http://127.0.0.1:{port}/files/report%20one", tmp_path)
    assert (made.outcome, made.title) == (Outcome.COMPLETE, "report one")
    assert text in made.text
    [record] = responses(made)
    assert made.warc is not None
    assert read_payload(made.warc.path, record.ref, limit=1000).body == body


def test_the_chain_of_that_very_connection_is_kept(
    answer: Callable[..., int], tmp_path: Path
) -> None:
    authority = trustme.CA()
    below = authority.create_child_ca()
    own = below.issue_cert("127.0.0.1")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.configure_cert(serving)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    port = answer({"/": PAGE}, serving)
    made = capture(f"https://127.0.0.1:{port}/", tmp_path / "a", trusting)
    assert made.outcome is Outcome.COMPLETE, made.reason
    pem = resource(made, "urn:cert:127.0.0.1").decode()
    sent = [blob.bytes().decode().strip() for blob in own.cert_chain_pems]
    assert len(sent) == 2
    assert [f"{one.strip()}\n-----END CERTIFICATE-----" for one in
            pem.split("-----END CERTIFICATE-----")[:-1]] == sent  # fmt: skip
    untrusted = capture(f"https://127.0.0.1:{port}/", tmp_path / "b", None)
    assert untrusted.outcome is Outcome.FAILED
    assert "certificate" in untrusted.reason
    assert [one.outcome for one in untrusted.guard] == [GuardOutcome.CONNECTED]


MEASURED = """
import sys
from pathlib import Path
from archive.capture.http import HttpEngine
from archive.capture.job import CaptureJob
from archive.capture.network import GuardPolicy
from archive.urlkey import Address
url, port, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
policy = GuardPolicy(frozenset({('127.0.0.1', port)}))
made = HttpEngine().capture(CaptureJob('id', Address.parse(url), folder, policy, 'o', 'i', 't'))
# Not getrusage: that counts the test's own memory, from before this program was begun.
peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))
print(made.outcome.value, peak.split()[1])
"""


def test_a_body_of_50_mb_stays_out_of_memory(answer: Callable[..., int], tmp_path: Path) -> None:
    body = bytes(range(256)) * 204_800
    head = f"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: {len(body)}\r\n\r\n"
    port = answer({"/film": head.encode() + body})
    folder = tmp_path / "c"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, f"http://127.0.0.1:{port}/film", str(port), str(folder)],
        capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(Path(__file__).resolve().parents[3])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    outcome, kibibytes = done.stdout.split()
    assert outcome == "complete"
    assert int(kibibytes) < 150 * 1024
    [record] = [
        one
        for one in walk(folder / "capture.warc.gz")
        if isinstance(one, Record) and one.type == "response"
    ]
    wanted = str(Digest("sha256", hashlib.sha256(body).digest()))
    assert record.header("WARC-Payload-Digest") == wanted
