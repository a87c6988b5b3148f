"""The one error tree of annotate/; each message is fit to be shown to a person.

::

    AnnotateError
    ├── UsageError           what was asked cannot be done as asked (HTTP 400)
    │   ├── NameTakenError   the name is already in use
    │   └── BusyError        the same is being done already
    ├── NotAllowedError      the person may not do this here (403)
    ├── NotFoundError        there is no such thing, or it is not theirs to see (404)
    ├── StaleSaveError       somebody saved in between; carries both values (409)
    ├── TooLargeError        more than this instance takes (413)
    ├── SignInError          the name, password or link does not open the door (401)
    ├── UnloggedChangeError  a change without its event: a defect of ours, refused
    └── EnvironmentMissingError  the machine lacks something (CLI exit code 3)
"""

from __future__ import annotations


class AnnotateError(Exception):
    """Base of every error annotate/ raises on purpose."""


class UsageError(AnnotateError):
    """What was asked cannot be done as asked."""


class NameTakenError(UsageError):
    """The name is already in use."""


class BusyError(UsageError):
    """The same is being done already."""


class NotAllowedError(AnnotateError):
    """The person may not do this here."""


class NotFoundError(AnnotateError):
    """There is no such thing, or it is not theirs to see."""


class StaleSaveError(AnnotateError):
    """Somebody saved in between. Nothing was written; both values are here."""

    def __init__(
        self, message: str, *, theirs: str, yours: str, version: int, saved_by: str = ""
    ) -> None:
        super().__init__(message)
        self.theirs = theirs
        self.yours = yours
        self.version = version
        self.saved_by = saved_by


class TooLargeError(AnnotateError):
    """More than this instance takes."""


class SignInError(AnnotateError):
    """The name, password or link does not open the door."""


class UnloggedChangeError(AnnotateError):
    """A logged table was about to change without an event; nothing was written."""


class EnvironmentMissingError(AnnotateError):
    """The machine lacks something; the message says what to do."""
