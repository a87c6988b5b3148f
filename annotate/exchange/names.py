"""Names that stay the same from export to export (RFC 9562, 5.5)."""

from __future__ import annotations

import uuid
from typing import Final

_SPACE: Final = uuid.UUID("6f3f9c52-8d0e-5f6a-9a53-0b7f0d3c1e47")
FINAL: Final = "Final (adjudicated)"


def derived(*parts: str) -> str:
    """Return the GUID of something that has no id of its own, made from those it stands on."""
    return str(uuid.uuid5(_SPACE, "\n".join(parts)))
