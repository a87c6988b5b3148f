"""The form in which spellings of a label meet."""

from __future__ import annotations

import unicodedata


def fold(text: str) -> str:
    """Bring a label's value to the form in which spellings meet."""
    return unicodedata.normalize("NFKC", text).strip().casefold()
