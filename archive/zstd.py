"""WARC packed by Zstandard, a frame a record (IIPC warc-zstd 1.0), with or without dictionary.

The dictionary, where there is one, is the first frame of the file: a skippable one that holds
it bare or packed. Frames need not carry a checksum; without one and without digests in the
records nothing proves the bytes, and the verdict says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import zstandard

from archive.errors import NotAnArchiveError
from archive.framing import FrameError, PackedMember, Source, Test

_FRAME: Final = b"\x28\xb5\x2f\xfd"
_DICTIONARY_FRAME: Final = b"\x5d\x2a\x4d\x18"
_DICTIONARY: Final = b"\x37\xa4\x30\xec"
ZSTD_MAGICS: Final = (_FRAME, _DICTIONARY_FRAME)
_LARGEST_DICTIONARY: Final = 8 << 20  # bytes, unpacked
_WINDOW: Final = 8 << 20  # bytes of memory a frame may ask for; integrity.md §8
_FED: Final = 512  # packed bytes at a time: four can make 128 KiB
_HEADER: Final = 18  # bytes of a frame header at most (RFC 8878, 3.1.1.1)

Words = zstandard.ZstdCompressionDict | None


class ZstdMember(PackedMember):
    """One Zstandard frame."""

    def __init__(self, source: Source, offset: int, words: Words) -> None:
        super().__init__(source, offset)
        self._begun = False
        self._decoder = _decoder(words).decompressobj()

    def _inflated(self, piece: memoryview) -> tuple[bytes, int]:
        if not self._begun:
            _refuse_wide(piece)
            self._begun = True
        try:
            made = self._decoder.decompress(piece[:_FED])
        except zstandard.ZstdError as error:
            raise FrameError(f"the zstd frame is damaged: {error}") from error
        left = max(0, len(piece) - _FED)
        if self._decoder.eof:
            self.ended = True
            left += len(self._decoder.unused_data)
        return made, left


def read_dictionary(source: Source) -> tuple[Words, int]:
    """Return the dictionary at the start of the file, if any, and where the records begin.

    :raises NotAnArchiveError: it is cut off, too large or none
    """
    head = bytes(source.at(0, 8))
    if head[:4] != _DICTIONARY_FRAME:
        return None, 0
    length = int.from_bytes(head[4:8], "little")
    raw = bytes(source.at(8, length)) if length <= _LARGEST_DICTIONARY else b""
    if len(raw) != length or not raw:
        raise NotAnArchiveError("the zstd dictionary is cut off, or larger than is read")
    if raw.startswith(_FRAME):
        try:
            _refuse_wide(memoryview(raw))
            with _decoder(None).stream_reader(raw) as reader:
                raw = reader.read(_LARGEST_DICTIONARY + 1)
        except (zstandard.ZstdError, FrameError) as error:
            raise NotAnArchiveError(f"the zstd dictionary is damaged: {error}") from error
    if not raw.startswith(_DICTIONARY) or len(raw) > _LARGEST_DICTIONARY:
        raise NotAnArchiveError("the first zstd frame holds no dictionary")
    return zstandard.ZstdCompressionDict(raw), 8 + length


def zstd_begins(words: Words, begins: Test) -> Callable[[Source, int], bool]:
    """Make a test of whether a frame whose content `begins` stands at an offset."""

    def fits(source: Source, offset: int) -> bool:
        try:
            return begins(bytes(ZstdMember(source, offset, words).read(64)))
        except FrameError:
            return False

    return fits


def _decoder(words: Words) -> zstandard.ZstdDecompressor:
    return zstandard.ZstdDecompressor(dict_data=words, max_window_size=_WINDOW)


def _refuse_wide(piece: memoryview) -> None:
    try:
        wanted = zstandard.get_frame_parameters(bytes(piece[:_HEADER])).window_size
    except zstandard.ZstdError as error:
        raise FrameError(f"no zstd frame begins here: {error}") from error
    if wanted > _WINDOW:
        raise FrameError(
            f"the zstd frame asks for a window of {wanted} bytes; at most {_WINDOW} are given",
            bomb=True,
        )
