"""Records of captures made signed in, as those see them who may not see that account's cookies.

Who has the cookies of an account can act as it. So whoever may not see them is shown, and given,
a copy of the record without them (archive/redact.py); the stored file is never changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from annotate.models import Capture, Record, WarcFile
from annotate.services.viewing import Viewing
from archive.record import RecordRef
from archive.redact import redact_record


@dataclass(frozen=True, slots=True)
class Shown:
    """Where a record is read from."""

    path: Path
    ref: RecordRef
    is_copy: bool
    """Something was left out of it."""


def shown(
    viewing: Viewing, capture: Capture, warc: WarcFile, record: Record, *, whole: bool
) -> Shown:
    """Return where a record is read from: its file, or a copy of it without cookies.

    :param whole: whoever asks may see cookies
    :raises NotFoundError: the file is not in the home
    :raises DamagedRecordError: the record cannot be read, so that nothing can be left out of it
    """
    path = viewing.warc_path(warc)
    ref = RecordRef(record.offset, record.length)
    if whole or capture.session_id is None:
        return Shown(path, ref, is_copy=False)
    folder = viewing.store.home / "cache" / "without-cookies" / warc.sha256
    copy = folder / f"{record.position}.warc"
    if not copy.exists() and not redact_record(path, ref, copy):
        return Shown(path, ref, is_copy=False)
    return Shown(copy, RecordRef(0, copy.stat().st_size), is_copy=True)
