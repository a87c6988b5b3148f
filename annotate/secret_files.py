"""Secrets of the home, one file each (0600) in a folder of its own (0700); never in an export."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from typing import Final

from archive.durable import sync_folder
from archive.errors import StoreError

_NAME: Final = re.compile(r"[a-z]+-[0-9a-f]{32}")


class SecretFiles:
    """The folder HOME/secrets."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, kind: str, secret: str) -> str:
        """Write a secret, durably; return the name to ask for it with.

        :raises StoreError: the disk refused
        """
        name = f"{kind}-{secrets.token_hex(16)}"
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._folder.chmod(0o700)
            handle = os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(secret.encode())
                file.flush()
                os.fsync(file.fileno())
            sync_folder(self._folder)
        except OSError as error:
            raise StoreError(f"The secret cannot be kept: {error.strerror}.") from error
        return name

    def read(self, name: str) -> str:
        """Return a secret.

        :raises StoreError: it is not there
        """
        if not _NAME.fullmatch(name):
            raise StoreError("That is no name of a secret.")
        try:
            return (self._folder / name).read_text("utf-8")
        except OSError as error:
            raise StoreError("A secret of this home cannot be read; set it again.") from error

    def forget(self, name: str) -> None:
        """Delete a secret; one that is gone already is as good as deleted."""
        if _NAME.fullmatch(name):
            (self._folder / name).unlink(missing_ok=True)
