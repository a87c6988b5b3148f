"""The replay check: does a capture, shown from its bytes alone, still say what the page said?

A browser shows the static view with no way out, and the words it shows are compared with the
words the live page showed. Captured is not preserved: a study found captures of 170 of 170
posts, with content in 5 of 163 (integrity.md §6). The check is about the capture, so it says
what is lost and never changes a byte.
"""

from __future__ import annotations

import re
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from archive.errors import DamagedRecordError
from archive.lookup import IndexFolder, Located, resolve
from archive.record import RecordRef
from archive.replay import StaticView
from archive.writer import WarcSummary

VERSION: Final = "replay-check/1"
LISTED: Final = 200  # addresses kept of what is missing
# A word, or one letter of a script that writes without spaces (Han, kana, Thai, Lao, Khmer).
_WORD: Final = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
    r"\u0e00-\u0eff\u1780-\u17ff]|[^\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
    r"\U00020000-\U0003ffff\u0e00-\u0eff\u1780-\u17ff]+"
)


@dataclass(frozen=True, slots=True)
class ReplayCheck:
    """How a capture stood the check."""

    similarity: int | None
    """Of the words shown live and from the capture, in thousandths; None: not to be told."""
    missing: tuple[str, ...] = ()
    """Addresses the static view refers to whose bytes are not there or cannot be shown."""
    outside: tuple[str, ...] = ()
    """Addresses the view asked for outside of the capture; all refused, and none expected."""
    words_live: int = 0
    words_shown: int = 0
    milliseconds: int = 0
    problem: str = ""
    """Why there is no answer, in words."""

    def as_json(self) -> dict[str, object]:
        """The check as it stands with the capture and in the event."""
        return {
            "version": VERSION,
            "similarity": self.similarity,
            "missing": list(self.missing[:LISTED]),
            "missing_count": len(self.missing),
            "outside": list(self.outside[:LISTED]),
            "words_live": self.words_live,
            "words_shown": self.words_shown,
            "milliseconds": self.milliseconds,
            "problem": self.problem,
        }


def words(text: str) -> Counter[str]:
    """Count the words of a text, as written apart from case and width."""
    return Counter(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def similarity(live: Counter[str], shown: Counter[str]) -> int | None:
    """Compare two counts of words: twice the common ones by all, in thousandths (Dice, 1945).

    1000 where both say the same words equally often, in whatever order; 0 where they have none
    in common; None where neither has any.
    """
    total = live.total() + shown.total()
    return 2000 * (live & shown).total() // total if total else None


@contextmanager
def open_capture(warc: WarcSummary, address: str) -> Iterator[StaticView]:
    """Open the static view of a WARC just written, by an index made for this alone.

    :raises DamagedRecordError: the WARC holds no response of `address`
    """
    with tempfile.TemporaryDirectory(prefix="holdfast-check-") as folder:
        index = IndexFolder(Path(folder)).of(warc.path, warc.sha256)

        def lookup(url: str) -> Located | None:
            entry = index.find(url)
            return resolve(index, entry) if entry is not None else None

        main = lookup(address)
        if main is None:
            raise DamagedRecordError(f"the capture holds no answer of {address}")
        snapshot = next(
            (one for one in warc.record_list if (one.target or "").startswith("urn:mhtml:")), None
        )
        ref = RecordRef(snapshot.offset, snapshot.length) if snapshot is not None else None
        yield StaticView(warc.path, main.ref, address, lookup, ref)
