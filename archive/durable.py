"""Writing so that what was acknowledged survives a power cut, and nothing is overwritten."""

from __future__ import annotations

import os
from pathlib import Path

from archive.errors import StoreError


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, durably.

    :raises StoreError: the disk refused
    """
    missing = []
    probe = folder
    while not probe.exists():
        missing.append(probe)
        probe = probe.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for made in missing:
            sync_folder(made.parent)
    except OSError as error:
        raise StoreError(f"the folder {folder} cannot be made: {error.strerror}") from error


def seal(temporary: Path, final: Path) -> None:
    """Give a finished, flushed file its name, once; an existing file of the name is kept.

    :raises StoreError: there is such a file, or the disk refused
    """
    try:
        os.link(temporary, final)  # unlike rename, refuses to replace
        temporary.unlink()
        sync_folder(final.parent)
    except FileExistsError as error:
        raise StoreError(f"{final} exists already and is never overwritten") from error
    except OSError as error:
        raise StoreError(f"{final} cannot be written: {error.strerror}") from error


def durable_write(path: Path, data: bytes) -> None:
    """Write a new file: temporary, fsync, link under its name, fsync of the folder.

    :raises StoreError: the file exists, or the disk refused; nothing half-written remains
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        seal(temporary, path)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)
