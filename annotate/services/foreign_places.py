"""Where an annotation of another program that marks a region or a time stands on a capture.

A region stands on the picture the annotation names, and on no other: one of the page as a whole
does not say which screen it was drawn on. A time stands in the film or sound it names, or in the
only one of the page it names.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from annotate.errors import UsageError
from annotate.exchange.fragments import Box, read_fragment
from annotate.exchange.marks import Mark, Place, Standing
from annotate.selectors.media import MediaMark
from annotate.services.sources import Source, SourceKind, check_mark


class Lack(StrEnum):
    """Why it stands nowhere."""

    WORDS = "its words are not in the text of the capture"
    PICTURE = "the capture has no picture of the address it names"
    NAME = "it marks a region of the page and does not say of which picture"
    FILM = "the capture has no film or sound that it can mean"
    CHOICE = "the capture has several films or sounds and it does not say which"


def place_media(mark: Mark, sources: Sequence[Source], page: str) -> Place:
    """Say where a region or a time stands among the pictures and films of a capture.

    :param page: address of the capture's item
    """
    try:
        asked = read_fragment(mark.fragment)
        found = _source(mark, sources, page, is_region=isinstance(asked, Box))
        if isinstance(found, Lack):
            return Place(Standing.ORPHAN, reason=found.value)
        place = asked.on(found.width, found.height) if isinstance(asked, Box) else asked
        media = MediaMark(found.uri, place)
        check_mark(sources, media)
    except (ValueError, UsageError) as error:
        return Place(Standing.ORPHAN, reason=str(error))
    return Place(Standing.MATCHED, 1.0, media=media)


def _source(mark: Mark, sources: Sequence[Source], page: str, *, is_region: bool) -> Source | Lack:
    fitting = [one for one in sources if (one.kind is SourceKind.PICTURE) is is_region]
    named = next((one for one in fitting if one.uri == mark.source), None)
    if named is not None:
        return named
    of_page = mark.source == page or mark.source.partition("#")[0] == page
    if is_region:
        return Lack.NAME if of_page else Lack.PICTURE
    if of_page and len(fitting) == 1:
        return fitting[0]
    return Lack.CHOICE if of_page and fitting else Lack.FILM
