"""The team's work: people, tags, notes, fields, counts. The only part that knows people."""
