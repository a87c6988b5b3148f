"""Which items' values of a field rest on the list alone, or differ from what the page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from annotate.models import ValueSource, ValueState
from annotate.services.held_labels import HeldValue

Held = Mapping[str, Sequence[HeldValue]]
"""The current values of one field, by item id."""
_SHOWN: Final = frozenset({ValueState.AGREES, ValueState.DIFFERS})


def differing(held: Held) -> frozenset[str]:
    """Return the items of which a value differs from the page."""
    return frozenset(
        item_id
        for item_id, values in held.items()
        if any(one.state is ValueState.DIFFERS for one in values)
    )


def list_alone(held: Held) -> frozenset[str]:
    """Return the items of which a list's value is not shown by the page, and none differs."""
    found = set()
    for item_id, values in held.items():
        listed = [one for one in values if one.source is ValueSource.LIST]
        differs = any(one.state is ValueState.DIFFERS for one in listed)
        if not differs and any(one.state not in _SHOWN for one in listed):
            found.add(item_id)
    return frozenset(found)
