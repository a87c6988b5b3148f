"""The labels of one who codes blind, made of the labels of everybody.

The rule itself is visibility.py's; here is only what it lies on, so that no more is read again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy.orm import Session

from annotate import collecting
from annotate.services.held_labels import ANYTHING, HELD_AS, READ, Labels
from annotate.services.label_reading import BATCH, READERS, head_of, read_names
from annotate.services.registry.known import read_known


class ClosedLabels:
    """Makes the labels of one who codes blind: what is closed to them is read under the rule.

    Of the parts read for each item the rule lies on the closed items alone; but on relations by
    their other ends too, and on the registry by its evidence. These two are read as a whole. Which
    fields are proposals is settled when they are made, so no value is closed by that later.
    """

    def __init__(self, asking: Session, project_id: str, hidden: Sequence[str]) -> None:
        """Read through a session on which the rule is."""
        self._asking = asking
        self._project_id = project_id
        self._hidden = hidden

    def made_of(self, shared: Labels, before: tuple[Labels, Labels] | None) -> Labels:
        """Return the labels of everybody without what is closed.

        :param before: earlier labels of everybody, and what was made of them under this same
            rule: the parts that are the same object still need not be read again
        """
        changed = {
            part
            for part, name in HELD_AS.items()
            if before is None or getattr(before[0], name) is not getattr(shared, name)
        }
        if before is None or before[0].known is not shared.known:
            changed |= {"registry", "relations"}
        labels = shared.copied(changed)
        # Also that others did something is not told: an ETag is made of this.
        labels.position = labels.content = head_of(self._asking, self._project_id)
        with collecting.paused():
            self._read(labels, changed)
            if before is None:
                return labels
            own = before[1]
            for part, name in HELD_AS.items():
                if part not in changed:
                    setattr(labels, name, getattr(own, name))
            if "registry" not in changed:
                labels.known = own.known
            for part, name in (("tag names", "tag_names"), ("sweep names", "sweep_names")):
                changed |= {part} if getattr(labels, name) != getattr(own, name) else set()
        labels.derived = own.kept_on({ANYTHING, *changed})
        return labels

    def _read(self, labels: Labels, parts: Collection[str]) -> None:
        for part in sorted(READ.intersection(parts) - {"relations"}):
            for start in range(0, len(self._hidden), BATCH):
                batch = self._hidden[start : start + BATCH]
                READERS[part](self._asking, self._project_id, batch, labels)
        if "relations" in parts:
            labels.relations = {}
            READERS["relations"](self._asking, self._project_id, None, labels)
        if "registry" in parts:
            labels.known = read_known(self._asking, self._project_id)
        read_names(self._asking, self._project_id, labels)
