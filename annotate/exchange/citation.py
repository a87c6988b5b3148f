"""How a capture is cited: RIS, as reference managers import it, and CSL-JSON.

What is cited is what was seen at one moment: the address, when it was captured, and the digest of
the bytes, so that a reader can tell whether they look at the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

_LINE: Final = "\r\n"


@dataclass(frozen=True, slots=True)
class Cited:
    """A capture as it is cited."""

    capture_id: str
    title: str
    address: str
    host: str
    captured_at: datetime
    language: str
    study: str
    """Name of the project that keeps it."""
    warc_sha256: str
    record_id: str
    payload_digest: str

    @property
    def name(self) -> str:
        """The capture's name, anywhere."""
        return f"urn:uuid:{self.capture_id}"

    @property
    def proof(self) -> str:
        """What a reader needs to tell whether they hold the same bytes."""
        parts = [
            f"Captured {self.captured_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
            f"WARC with SHA-256 {self.warc_sha256}" if self.warc_sha256 else "",
            f"record {self.record_id}" if self.record_id else "",
            f"payload {self.payload_digest}" if self.payload_digest else "",
        ]
        return "; ".join(part for part in parts if part)


def ris(cited: Cited) -> str:
    """Return a capture in RIS (the tags of type ELEC)."""
    at = cited.captured_at.astimezone(UTC)
    tags = [
        ("TY", "ELEC"),
        ("TI", cited.title),
        ("T2", cited.host),
        ("UR", cited.address),
        ("Y2", f"{at:%Y/%m/%d}/{at:%H:%M:%S} UTC"),
        ("LA", cited.language),
        ("DB", cited.study),
        ("AN", cited.name),
        ("N1", cited.proof),
    ]
    lines = [f"{tag}  - {' '.join(text.split())}" for tag, text in tags if text]
    return _LINE.join([*lines, "ER  - ", ""])


def csl(cited: Cited) -> dict[str, Any]:
    """Return a capture as one item of CSL-JSON (citationstyles.org, 1.0.2)."""
    at = cited.captured_at.astimezone(UTC)
    item = {
        "id": cited.name,
        "type": "webpage",
        "title": cited.title,
        "container-title": cited.host,
        "URL": cited.address,
        "accessed": {"date-parts": [[at.year, at.month, at.day]]},
        "language": cited.language,
        "archive": cited.study,
        "archive_location": cited.name,
        "note": cited.proof,
    }
    return {key: value for key, value in item.items() if value}
