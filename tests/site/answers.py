"""What the test site says: requests in, answers out, and its own log of both."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum


class End(Enum):
    """How a body ends."""

    WHOLE = "whole"
    CUT = "cut"  # the connection is closed before the length that was promised
    RESET = "reset"  # the connection is reset in the middle
    SILENT = "silent"  # nothing is answered at all: the connection is closed


@dataclass(frozen=True)
class Ask:
    """One request as it came."""

    origin: str  # as "http://127.0.0.1:1234"
    method: str
    target: str
    protocol: str  # "http/1.1" or "h2"
    headers: tuple[tuple[str, str], ...]
    body: bytes
    peer: tuple[str, int] = ("", 0)  # the client's end of the connection

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")


@dataclass(frozen=True)
class Answer:
    """One response as it is to be sent. `body` is what goes over the wire, `entity` decoded."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | Sequence[bytes] = b""
    entity: bytes | None = None
    chunked: bool = False
    end: End = End.WHOLE
    pause: float = 0.0  # seconds between two pieces
    delay: float = 0.0  # seconds before the head
    hints: tuple[tuple[str, str], ...] = ()  # headers of a 103 before it
    websocket: Callable[[bytes], list[bytes]] | None = None
    forever: bool = False  # pieces again and again, until the other side goes

    @property
    def pieces(self) -> Sequence[bytes]:
        return [self.body] if isinstance(self.body, bytes) else self.body

    @property
    def decoded(self) -> bytes:
        return self.entity if self.entity is not None else b"".join(self.pieces)


@dataclass
class Line:
    """One line of the server's log."""

    ask: Ask
    status: int | None
    headers: tuple[tuple[str, str], ...] = ()
    sha256: str = ""  # of the decoded payload that was sent whole
    size: int = 0
    end: End = End.WHOLE
    sent: bool = False  # the server got rid of all of it
    frames: list[tuple[str, bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.ask.origin + self.ask.target

    @property
    def set_cookies(self) -> list[str]:
        return [value for key, value in self.headers if key.lower() == "set-cookie"]


class Log:
    """What the server was asked and what it sent, in order."""

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self._lock = threading.Lock()

    def begin(self, ask: Ask, answer: Answer) -> Line:
        bodyless = ask.method == "HEAD" or answer.status in {204, 304} or answer.status < 200
        payload = b"" if bodyless else answer.decoded
        silent = answer.end is End.SILENT
        line = Line(
            ask,
            None if silent else answer.status,
            answer.headers,
            hashlib.sha256(payload).hexdigest(),
            len(payload),
            answer.end,
        )
        with self._lock:
            self._lines.append(line)
        return line

    def lines(self) -> list[Line]:
        with self._lock:
            return list(self._lines)

    def clear(self) -> None:
        with self._lock:
            self._lines.clear()
