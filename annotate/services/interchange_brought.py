"""What an import of a REFI-QDA project brought, counted and told."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Brought:
    """How many things an import added, and what became of the others."""

    codebooks: int = 0
    highlights: int = 0
    codings: int = 0
    notes: int = 0
    known: int = 0
    moved: int = 0
    """Selections found again by their words, where the text differs from the file's."""
    lost: list[str] = field(default_factory=list)
    """Names of selections whose words do not stand in the text."""
    unplaced: list[str] = field(default_factory=list)
    """Selections on pictures and films that have no place here, each with the reason."""

    def words(self) -> list[str]:
        """Say it, for the page of the import."""
        told = [
            (
                f"Added: {self.codebooks} codebooks, {self.highlights} highlights, "
                f"{self.codings} codings made elsewhere, {self.notes} notes. Known already and "
                f"not added again: {self.known}."
            )
        ]
        if self.moved:
            told.append(
                f"{self.moved} selections were found again by their words, since the text here "
                "differs from that of the file."
            )
        if self.lost:
            listed = "; ".join(f"“{name[:60]}”" for name in self.lost[:20])
            told.append(f"{len(self.lost)} selections have no place in the text: {listed}.")
        if self.unplaced:
            listed = "; ".join(self.unplaced[:20])
            told.append(
                f"{len(self.unplaced)} selections on pictures, films and sounds have no place "
                f"here: {listed}."
            )
        return told
