"""The words of subtitles: SubRip, and WebVTT (W3C). A cue is a line; times stay in the file."""

from __future__ import annotations

import codecs
import html
import re
from typing import Final

from archive.content import decode_text
from archive.errors import ExtractionError
from archive.extraction.words import Words, tidy

_TIMING: Final = re.compile(r"\s*(?:\d{1,3}:)?\d{1,2}:\d{2}[.,]\d{1,3}\s*-->")
_NUMBER: Final = re.compile(r"\s*\d+\s*")
_VOICE: Final = re.compile(r"<v(?:\.[^ >]*)?\s+([^>]*)>")
_MARKUP: Final = re.compile(r"<[^>]{0,500}>|\{\\[^}]{0,200}\}")
_APART: Final = re.compile(r"\n[ \t]*\n")
_NO_CUES: Final = ("WEBVTT", "NOTE", "STYLE", "REGION")
# Before UTF-16's: the mark of little-endian UTF-32 begins with it.
_UTF32: Final = ((codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"))


def read_subtitles(data: bytes, content_type: str = "") -> Words:
    """Read the words of a subtitle file; speakers named by WebVTT stand before their words.

    :raises ExtractionError: it has no cue
    """
    text = _decoded(data, content_type).replace("\r\n", "\n").replace("\r", "\n")
    cues = [cue for block in _APART.split(text) if (cue := _cue(block))]
    if not cues:
        raise ExtractionError("The file has no subtitle in it: no line with times was found")
    return Words("", "\n".join(cues))


def _decoded(data: bytes, content_type: str) -> str:
    for mark, name in _UTF32:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace")
    return decode_text(data, content_type)


def _cue(block: str) -> str:
    lines = block.strip("\n\ufeff").split("\n")
    at = next((number for number, line in enumerate(lines) if _TIMING.match(line)), None)
    if at is None or (at and lines[0].startswith(_NO_CUES[1:])):
        return ""
    words: list[str] = []
    for number, line in enumerate(lines[at + 1 :], start=at + 1):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        # Files whose empty lines got lost: a number before the next times is no word.
        if _TIMING.match(line) or (_NUMBER.fullmatch(line) and _TIMING.match(following)):
            continue
        words.append(line)
    spoken = _VOICE.sub(r"\1: ", "\n".join(words))
    return tidy(html.unescape(_MARKUP.sub("", spoken))).replace("\n", " ")
