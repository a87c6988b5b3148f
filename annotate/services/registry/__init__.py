"""The registry: who is behind what, said with evidence, dated, and never lost."""
