"""The layout of an archive home on disk: write-once, durable; quarantine for what failed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final
from uuid import uuid4

from archive.clock import isoformat, utc_now
from archive.durable import durable_write, make_folder, seal, sync_folder
from archive.errors import StoreError

WARC_NAME: Final = "capture.warc.gz"
ORIGINAL_NAME: Final = "original"
MANIFEST_NAME: Final = "manifest.json"
_PIECE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Original:
    """An imported file as it was brought; `new` is False where the home had it already."""

    sha256: str
    path: Path
    size: int
    new: bool


class Store:
    """Files of one archive home. Paths kept in the database are relative to it."""

    def __init__(self, home: Path) -> None:
        self.home = home.resolve()

    def capture_folder(self, capture_id: str, at: datetime) -> Path:
        """Make and return captures/YYYY/MM/<id>/."""
        month = at.astimezone(UTC)
        folder = self.home / "captures" / f"{month:%Y}" / f"{month:%m}" / capture_id
        make_folder(folder)
        return folder

    def relative(self, path: Path) -> str:
        """Return `path` as it is kept in the database."""
        return path.resolve().relative_to(self.home).as_posix()

    def path(self, relative: str) -> Path:
        """Return where a path from the database stands.

        :raises StoreError: it points outside the home
        """
        path = (self.home / relative).resolve()
        if not path.is_relative_to(self.home):
            raise StoreError(f"{relative!r} points outside the archive home")
        return path

    def keep_original(self, source: IO[bytes], *, limit: int) -> Original:
        """Keep an imported file byte for byte under imports/<sha256>/original.

        :param limit: most bytes taken
        :raises StoreError: it is larger, or the disk refused; nothing of it is kept then
        """
        temporary = self.home / "tmp" / f"import-{uuid4()}"
        make_folder(temporary.parent)
        digest = hashlib.sha256()
        size = 0
        try:
            with temporary.open("xb") as file:
                while piece := source.read(_PIECE):
                    size += len(piece)
                    if size > limit:
                        raise StoreError(f"the file is larger than {limit} bytes")
                    digest.update(piece)
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            final = self.home / "imports" / digest.hexdigest() / ORIGINAL_NAME
            make_folder(final.parent)
            if final.exists():
                return Original(digest.hexdigest(), final, size, new=False)
            seal(temporary, final)
        except OSError as error:
            raise StoreError(f"the file cannot be kept: {error.strerror}") from error
        finally:
            temporary.unlink(missing_ok=True)
        return Original(digest.hexdigest(), final, size, new=True)

    def write_manifest(self, folder: Path, content: Mapping[str, object]) -> Path:
        """Write a folder's manifest.json, once."""
        text = json.dumps(content, ensure_ascii=False, sort_keys=True, indent=1) + "\n"
        durable_write(folder / MANIFEST_NAME, text.encode())
        return folder / MANIFEST_NAME

    def quarantine(self, folder: Path, reason: str) -> Path:
        """Move a new capture that could not be sealed aside, with the reason beside it.

        :raises StoreError: the disk refused
        """
        aside = self.home / "quarantine" / f"{folder.name}-{uuid4().hex[:8]}"
        make_folder(aside.parent)
        try:
            folder.rename(aside)
            (aside / "REASON.txt").write_text(f"{isoformat(utc_now())} {reason}\n", "utf-8")
            sync_folder(aside)
            sync_folder(aside.parent)
        except OSError as error:
            raise StoreError(f"{folder} cannot be set aside: {error.strerror}") from error
        return aside

    def folders_of(self, capture_ids: Iterable[str]) -> list[Path]:
        """Return the folders of these captures, as far as they are there."""
        found = (self.home.glob(f"captures/*/*/{one}") for one in capture_ids)
        return [path for paths in found for path in paths if path.is_dir()]

    def capture_folders(self) -> list[Path]:
        """Return every folder of a capture, oldest month first."""
        return sorted(path for path in self.home.glob("captures/*/*/*") if path.is_dir())
