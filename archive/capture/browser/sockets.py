"""WebSockets: Fetch does not see them; Network tells handshake and frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from archive.capture.browser.cdp import Cdp
from archive.clock import isoformat

Event = dict[str, Any]
_MOST_FRAMES: Final = 20_000
_MOST_BYTES: Final = 50_000_000


@dataclass(slots=True)
class Socket:
    """One WebSocket: its handshake, and its frames in order."""

    url: str
    at: datetime
    initiator: str = ""
    asked: Event | None = None
    answered: Event | None = None
    frames: list[dict[str, object]] = field(default_factory=list)
    unkept: int = 0
    """Frames beyond the limit."""
    closed_at: datetime | None = None
    error: str = ""
    size: int = 0

    def document(self) -> dict[str, object]:
        """As it is written: ``urn:websocket:`` in docs/loss-ledger.md."""
        return {
            "url": self.url,
            "opened_at": isoformat(self.at),
            "closed_at": isoformat(self.closed_at) if self.closed_at is not None else None,
            "frames": self.frames,
            "frames_not_kept": self.unkept,
            "error": self.error or None,
        }


class Sockets:
    """All WebSockets of one capture."""

    def __init__(self, cdp: Cdp) -> None:
        self._all: dict[str, Socket] = {}
        self._clock: tuple[float, float] | None = None
        cdp.on("Network.webSocketCreated", self._created)
        cdp.on("Network.webSocketWillSendHandshakeRequest", self._asked)
        cdp.on("Network.webSocketHandshakeResponseReceived", self._answered)
        cdp.on("Network.webSocketFrameSent", lambda p, _s: self._frame(p, "sent"))
        cdp.on("Network.webSocketFrameReceived", lambda p, _s: self._frame(p, "received"))
        cdp.on("Network.webSocketFrameError", self._failed)
        cdp.on("Network.webSocketClosed", self._closed)

    def all(self) -> list[Socket]:
        """In the order of opening."""
        return sorted(self._all.values(), key=lambda socket: socket.at)

    def _created(self, event: Event, _session: str | None) -> None:
        initiator = str((event.get("initiator") or {}).get("type", ""))
        self._all[event["requestId"]] = Socket(event["url"], datetime.now(UTC), initiator)

    def _asked(self, event: Event, _session: str | None) -> None:
        self._clock = (float(event["wallTime"]), float(event["timestamp"]))
        if (socket := self._all.get(event["requestId"])) is not None:
            socket.asked = event["request"]
            socket.at = datetime.fromtimestamp(event["wallTime"], UTC)

    def _answered(self, event: Event, _session: str | None) -> None:
        if (socket := self._all.get(event["requestId"])) is not None:
            socket.answered = event["response"]

    def _frame(self, event: Event, direction: str) -> None:
        socket = self._all.get(event["requestId"])
        if socket is None:
            return
        frame = event["response"]
        data = str(frame["payloadData"])
        socket.size += len(data)
        if len(socket.frames) >= _MOST_FRAMES or socket.size > _MOST_BYTES:
            socket.unkept += 1
            return
        binary = int(frame["opcode"]) != 1
        socket.frames.append(
            {
                "at": isoformat(self._moment(float(event["timestamp"]))),
                "direction": direction,
                "opcode": int(frame["opcode"]),
                "base64" if binary else "text": data,
            }
        )

    def _failed(self, event: Event, _session: str | None) -> None:
        if (socket := self._all.get(event["requestId"])) is not None:
            socket.error = str(event.get("errorMessage", "failed"))

    def _closed(self, event: Event, _session: str | None) -> None:
        if (socket := self._all.get(event["requestId"])) is not None:
            socket.closed_at = self._moment(float(event["timestamp"]))

    def _moment(self, timestamp: float) -> datetime:
        """Wall time of a monotonic time stamp of the browser."""
        if self._clock is None:
            return datetime.now(UTC)
        wall, monotonic = self._clock
        return datetime.fromtimestamp(wall + timestamp - monotonic, UTC)
