"""Names with ids: how an answer names an account, an entity or a relation of the registry.

Such a value is text a person can read, with the id at its end in brackets, as in
`新华社 [01890a5d-ac96-774b-bcce-b302099a8057]`; without an id it is a name nobody registered yet.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_WITH_ID: Final = re.compile(
    r"(.*?)\s*\[([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\]", re.DOTALL
)


def write(label: str, registry_id: str) -> str:
    """Return the value that names something of the registry."""
    return f"{label} [{registry_id}]"


def read(value: str) -> tuple[str, str | None]:
    """Return the label of a value, and the id in the registry where it has one."""
    found = _WITH_ID.fullmatch(value)
    return (found[1], found[2]) if found is not None else (value, None)


def comparable(value: str) -> str:
    """Return what two coders' values are compared by: the id where there is one."""
    _label, registry_id = read(value)
    return registry_id or unicodedata.normalize("NFC", value)
