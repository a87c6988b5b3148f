"""Capture sessions: cookies of an identity that captures are made with, kept apart from evidence.

One file a session in HOME/sessions (folder 0700, file 0600), named by the session's id::

    {"format": "holdfast-session/1",
     "cookies": [{"name", "value", "domain", "path", "hostOnly", "secure", "httpOnly",
                  "expires", "sameSite"}, …],
     "identity": ["a name, handle or mail address of the identity", …]}

Only the id leaves this folder: into the request, the event and the WARC's provenance. The
identity strings are what is searched for before anything is given away, since the name and
feed of a signed-in identity stand in responses, pictures and snapshots too.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from archive.capture.cookies import Cookie, CookieJar, read_cookies
from archive.durable import sync_folder
from archive.errors import CookieFormatError, StoreError

FORMAT: Final = "holdfast-session/1"
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class CaptureSession:
    """An identity's cookies, as a capture gets them."""

    id: str
    cookies: tuple[Cookie, ...]
    identity: tuple[str, ...] = ()
    """Strings that tell who was signed in; never written into a WARC by us."""

    def jar(self) -> CookieJar:
        """A jar of one capture; what the site sets in it is not kept."""
        return CookieJar(self.cookies)

    def for_browser(self) -> list[dict[str, Any]]:
        """The cookies still valid, as CDP's Storage.setCookies takes them."""
        now = time.time()
        return [one.as_cdp() for one in self.cookies if not one.is_expired(now)]

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains it has cookies for, sorted."""
        return tuple(sorted({one.domain for one in self.cookies}))

    @contextmanager
    def cookies_txt(self) -> Iterator[Path]:
        """A cookies.txt of its own, readable by us alone, gone afterwards."""
        lines = ["# Netscape HTTP Cookie File", *(one.as_netscape() for one in self.cookies), ""]
        with tempfile.TemporaryDirectory(prefix="holdfast-cookies-") as folder:
            path = Path(folder) / "cookies.txt"
            path.touch(mode=0o600)
            path.write_text("\n".join(lines), "utf-8")
            yield path


class SessionStore:
    """The folder HOME/sessions."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, session: CaptureSession) -> None:
        """Write a session's file, durably, replacing an older one.

        :raises StoreError: the disk refused
        """
        document = {
            "format": FORMAT,
            "cookies": [one.as_json() for one in session.cookies],
            "identity": list(session.identity),
        }
        path = self._path(session.id)
        part = path.with_suffix(".part")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.chmod(0o700)
            part.unlink(missing_ok=True)
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(json.dumps(document, ensure_ascii=False, indent=1).encode())
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
            sync_folder(self._folder)
        except OSError as error:
            raise StoreError(f"The session cannot be written: {error.strerror}.") from error

    def load(self, session_id: str) -> CaptureSession:
        """Read a session.

        :raises StoreError: there is none of that id, or its file cannot be read
        """
        try:
            data = self._path(session_id).read_bytes()
            identity = json.loads(data).get("identity", [])
            return CaptureSession(session_id, read_cookies(data), tuple(map(str, identity)))
        except FileNotFoundError as error:
            raise StoreError("The cookies of this capture session were deleted.") from error
        except (OSError, ValueError, CookieFormatError) as error:
            raise StoreError(f"The capture session cannot be read: {error}") from error

    def delete(self, session_id: str) -> None:
        """Delete a session's file; its bytes are overwritten first, which SSDs may ignore."""
        path = self._path(session_id)
        with suppress(FileNotFoundError):
            size = path.stat().st_size
            with path.open("r+b") as file:
                file.write(b"\0" * size)
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
            sync_folder(self._folder)

    def _path(self, session_id: str) -> Path:
        if not _ID.fullmatch(session_id):
            raise StoreError("That is no id of a capture session.")
        return self._folder / f"{session_id}.json"
