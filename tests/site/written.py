"""What stands in a WARC, as warcio reads it, in the terms the site's log speaks."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from warcio.archiveiterator import ArchiveIterator


@dataclass(frozen=True)
class Block:
    """One record."""

    type: str
    target: str
    headers: dict[str, str]
    status: int | None
    http_headers: tuple[tuple[str, str], ...]
    method: str
    body: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()

    @property
    def set_cookies(self) -> list[str]:
        return [value for key, value in self.http_headers if key.lower() == "set-cookie"]

    @property
    def truncated(self) -> str | None:
        return self.headers.get("WARC-Truncated")


class Written:
    """One WARC."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self.blocks = [self._block(one) for one in ArchiveIterator(file)]

    @staticmethod
    def _block(record: Any) -> Block:
        http = record.http_headers
        return Block(
            record.rec_type,
            record.rec_headers.get_header("WARC-Target-URI") or "",
            dict(record.rec_headers.headers),
            int(http.get_statuscode())
            if http is not None and record.rec_type == "response"
            else None,
            tuple(http.headers) if http is not None else (),
            http.protocol if http is not None and record.rec_type == "request" else "",
            record.content_stream().read(),
        )

    def of(self, kind: str) -> list[Block]:
        return [one for one in self.blocks if one.type == kind]

    def exchanges(self) -> list[tuple[Block, Block]]:
        """Each response with its request."""
        asked = {one.headers["WARC-Concurrent-To"]: one for one in self.of("request")}
        return [(asked[one.headers["WARC-Record-ID"]], one) for one in self.of("response")]

    def attachments(self, kind: str) -> list[bytes]:
        return [one.body for one in self.of("resource") if one.target.startswith(f"urn:{kind}:")]

    def attachment(self, kind: str) -> bytes:
        """The one attachment of this kind."""
        bodies = self.attachments(kind)
        assert len(bodies) == 1, f"{len(bodies)} of urn:{kind}"
        return bodies[0]

    @property
    def ledger(self) -> list[dict[str, Any]]:
        """The lines of the loss ledger."""
        return list(json.loads(self.attachment("pageinfo"))["requests"])

    @property
    def provenance(self) -> dict[str, Any]:
        last = self.blocks[-1]
        assert last.type == "metadata"
        return dict(json.loads(last.body))


def uri(url: str) -> str:
    """An address as it stands in a WARC header."""
    return quote(url, safe="!#$%&'()*+,/:;=?@[]~")
