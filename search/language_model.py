"""The model that tells languages, read where it lies instead of copied into memory.

py3langid keeps its model as an uncompressed npz file inside LZMA. Its own loader copies every
array: 80 MB held, and 110 MB while it loads, in each process that tells a language. Here the
file is unpacked once into a temporary file without a name, and of its two large arrays only the
rows that a text needs are read. (Mapping it would not do: the kernel maps sixteen pages around
each one touched, and a few dozen texts then hold all of it.)
"""

from __future__ import annotations

import lzma
import os
import shutil
import struct
import tempfile
import zipfile
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, TypeAlias

import numpy as np
from numpy.lib import format as npy
from py3langid.langid import MODEL_DIR, MODEL_FILE
from py3langid.langid import LanguageIdentifier as Identifier

__all__ = ["Identifier", "read_identifier"]

_LOCAL_HEADER: Final = struct.Struct("<4s5H3L2H")  # APPNOTE 6.3, section 4.3.7
_PIECE: Final = 1 << 20  # bytes
_LETTERS: Final = 256  # values of a byte: the width of a row of transitions
_ROWS_HELD: Final = 4096  # rows of transitions, 1 KiB each
_Array: TypeAlias = "np.ndarray[Any, Any]"


def read_identifier(path: Path = MODEL_DIR / MODEL_FILE) -> Identifier:
    """Return the identifier over a model file.

    :raises OSError: the file cannot be read, or there is no room to unpack it
    :raises ValueError: it is not a model that we can read
    """
    with tempfile.TemporaryFile(suffix=".npz") as file:
        with lzma.open(path) as packed:
            shutil.copyfileobj(packed, file, _PIECE)
        file.flush()
        with zipfile.ZipFile(file) as archive:
            kept = _Kept(file)
            part = {
                name.removesuffix(".npy"): _find(kept, file, archive.getinfo(name))
                for name in archive.namelist()
            }
    try:
        return Identifier(
            _Rows(part["ptc"]),
            part["pc"].whole(),
            part["classes"].whole().tolist(),
            _Transitions(part["nextmove"]),
            array("i", part["out_feat"].whole().tolist()),
            norm_probs=True,
            tk_row=array("L", part["nextmove_row"].whole().tolist()),
        )
    except KeyError as error:
        raise ValueError(f"The language model has no part {error}.") from error


class _Kept:
    """The unpacked file, open as long as somebody holds this."""

    def __init__(self, file: IO[bytes]) -> None:
        self._descriptor = os.dup(file.fileno())

    def read(self, size: int, start: int) -> bytes:
        data = os.pread(self._descriptor, size, start)
        if len(data) != size:
            raise OSError("The unpacked language model is shorter than it was.")
        return data

    def __del__(self) -> None:
        os.close(self._descriptor)


@dataclass(frozen=True, slots=True)
class _Part:
    """Where an array lies in the file."""

    file: _Kept
    start: int
    kind: np.dtype[Any]
    shape: tuple[int, ...]

    def rows(self, first: int, number: int) -> bytes:
        """Return the bytes of some rows: of places, where the array has one dimension."""
        width = self.kind.itemsize * int(np.prod(self.shape[1:]))
        return self.file.read(number * width, self.start + first * width)

    def whole(self) -> _Array:
        return np.frombuffer(self.rows(0, self.shape[0]), self.kind).reshape(self.shape)


class _Rows:
    """A matrix of which rows are read as they are asked for."""

    def __init__(self, part: _Part) -> None:
        self._part = part

    def __getitem__(self, index: _Array) -> _Array:
        rows = b"".join(self._part.rows(int(one), 1) for one in index)
        return np.frombuffer(rows, self._part.kind).reshape(len(index), *self._part.shape[1:])


class _Transitions:
    """The next state by row and letter, `256 * row + letter`; rows that were read are kept."""

    def __init__(self, part: _Part) -> None:
        self._part = part
        self._held: dict[int, array[int]] = {}

    def __getitem__(self, index: int) -> int:
        row = self._held.get(index >> 8)
        if row is None:
            row = self._read(index >> 8)
        return row[index & 0xFF]

    def _read(self, number: int) -> array[int]:
        if len(self._held) >= _ROWS_HELD:
            self._held = {}  # not emptied: another thread may be reading in it
        row = array(self._part.kind.char, self._part.rows(number * _LETTERS, _LETTERS))
        self._held[number] = row
        return row


def _find(kept: _Kept, file: IO[bytes], member: zipfile.ZipInfo) -> _Part:
    name = member.filename
    if member.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"Part {name!r} of the language model is packed.")
    file.seek(member.header_offset)
    head = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    file.seek(head[-2] + head[-1], os.SEEK_CUR)  # past its name and extra field
    begins = file.tell()
    is_first = npy.read_magic(file) == (1, 0)
    shape, fortran, kind = (npy.read_array_header_1_0 if is_first else npy.read_array_header_2_0)(
        file
    )
    start = file.tell()
    size = kind.itemsize * int(np.prod(shape))
    if fortran or kind.hasobject or start + size != begins + member.file_size:
        raise ValueError(f"Part {name!r} of the language model is not laid out in rows.")
    return _Part(kept, start, kind, shape)
