"""The errors of search/.

::

    SearchError
    ├── QuerySyntaxError   the query cannot be read; says at which column, and what to write
    ├── UnknownFieldError  a label's name is no field, or its value does not fit
    └── IndexDamagedError  the index cannot be read; it can be made again
"""

from __future__ import annotations


class SearchError(Exception):
    """Base of every error search/ raises on purpose."""


class QuerySyntaxError(SearchError):
    """The query cannot be read. `column` is 1-based, in code points."""

    def __init__(self, message: str, column: int, hint: str = "") -> None:
        super().__init__(f"{message} (at character {column})" + (f". {hint}" if hint else ""))
        self.message = message
        self.column = column
        self.hint = hint


class UnknownFieldError(SearchError):
    """A label's name is no field of this project, or its value does not fit."""


class IndexDamagedError(SearchError):
    """The index cannot be read; it is derived, and can be made again."""
