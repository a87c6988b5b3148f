"""What is said of a package's signature: is it one over this package, and who signed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class SignatureState(StrEnum):
    """Whether the signature is one over this package."""

    NONE = "none"
    VALID = "valid"
    INVALID = "invalid"
    OTHER_CONTENT = "valid over other content"
    UNREADABLE = "unreadable"


class Identity(StrEnum):
    """Whether the signer is known to the person who verifies."""

    NONE = "none"
    KNOWN_KEY = "known key"
    UNKNOWN_KEY = "unknown key"
    PROVED_DOMAIN = "proved domain"
    UNPROVED_DOMAIN = "unproved domain"


class StampState(StrEnum):
    """Whether the time is proved."""

    PROVED = "proved"
    UNKNOWN_AUTHORITY = "unknown authority"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Stamp:
    """An RFC 3161 time-stamp: the time it names, who gave it, and how it stands."""

    state: StampState
    time: datetime | None
    authority: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Signature:
    """The verdicts on a signature and its signer, each with its reason."""

    state: SignatureState
    identity: Identity
    reason: str
    signer: str = ""
    """The key's fingerprint, or the domain."""
    stamps: tuple[Stamp, ...] = ()

    @property
    def proved(self) -> bool:
        """Tell whether it is a signature over this package by a signer who is known."""
        return self.state is SignatureState.VALID and self.identity in {
            Identity.KNOWN_KEY,
            Identity.PROVED_DOMAIN,
        }


UNSIGNED: Final = Signature(SignatureState.NONE, Identity.NONE, "the package carries no signature")
