"""What a captured page showed of itself, kept with the capture as JSON: see archive/facts.py."""

from __future__ import annotations

from archive.facts import dump_facts, load_facts

__all__ = ["dump_facts", "load_facts"]
