"""Opening an Office package (ECMA-376 part 2) without being harmed by it."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final

from lxml import etree

from archive.errors import ExtractionError

UNPACKED: Final = 400_000_000  # bytes of all parts together
PARTS: Final = 20_000
# What zipfile lets out: a damaged, encrypted (RuntimeError) or oddly compressed part.
_BROKEN: Final = (
    zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, OSError, EOFError,
)  # fmt: skip


class Package:
    """The parts of one Office file, read within limits."""

    def __init__(self, data: bytes) -> None:
        """Open the package.

        :raises ExtractionError: it is no ZIP, is encrypted, or unpacks to too much
        """
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, OSError) as error:
            raise ExtractionError(f"The file is no Office package: {error}") from error
        entries = self._zip.infolist()
        if len(entries) > PARTS or sum(entry.file_size for entry in entries) > UNPACKED:
            raise ExtractionError(
                f"The file unpacks to more than {UNPACKED // 1_000_000} MB or {PARTS} parts; "
                "its bytes are kept, its text is not read"
            )
        self.names = [entry.filename for entry in entries]

    def read(self, name: str) -> bytes:
        """Return one part; b"" where there is none.

        :raises ExtractionError: it cannot be unpacked
        """
        if name not in self.names:
            return b""
        try:
            with self._zip.open(name) as part:
                data = part.read(UNPACKED + 1)
        except _BROKEN as error:
            raise ExtractionError(f"The part {name} cannot be unpacked: {error}") from error
        if len(data) > UNPACKED:
            raise ExtractionError(f"The part {name} unpacks to more than it declares")
        return data

    def elements(self, name: str) -> Iterator[tuple[str, etree._Element]]:
        """Yield ("start" or "end", element) of one XML part; entities and networks are off.

        :raises ExtractionError: the part is no XML
        """
        data = self.read(name)
        if not data:
            return
        try:
            yield from etree.iterparse(
                io.BytesIO(data),
                events=("start", "end"),
                resolve_entities=False,
                no_network=True,
                load_dtd=False,
                huge_tree=False,
            )
        except (etree.XMLSyntaxError, ValueError) as error:
            raise ExtractionError(f"The part {name} is no XML: {error}") from error


def local(element: etree._Element) -> str:
    """Return an element's name without its namespace, "" for comments and the like."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""
