"""The rules. Services never commit, never parse a request, never render."""
