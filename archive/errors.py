"""The one error tree of archive/.

::

    ArchiveError
    ├── AddressError            the text is not an address that can be captured
    ├── MalformedDigestError    the text is not a digest this archive can check
    ├── NotAnArchiveError       the file is no WARC, ARC or WACZ at all
    ├── UnsafePackageError      a WACZ that would harm whoever opens it (bomb, link, traversal)
    ├── DamagedMemberError      a file in a package is not what the package says
    ├── DamagedRecordError      a record or its payload cannot be read as declared
    ├── ExtractionError         no text can be taken from a document; its bytes are kept
    ├── StoreError              the archive home refused a write or lacks a file
    ├── GuardRefusedError       the network guard forbids this address
    ├── PhraseListError         a list of phrases is not of its format
    ├── SiteRulesError          a file of what is done on pages is not of its format
    ├── CookieFormatError       a file of cookies that cannot be read
    ├── TrustError              what is to be trusted is no key and no certificate
    └── BrowserMissingError     no browser that starts was found

Every message names what is wrong, where, and what to do about it.
"""

from __future__ import annotations


class ArchiveError(Exception):
    """Base of every error archive/ raises on purpose."""


class AddressError(ArchiveError):
    """The text is not an address that can be captured."""


class MalformedDigestError(ArchiveError):
    """The text is not a digest this archive can check."""


class NotAnArchiveError(ArchiveError):
    """The file is no WARC, ARC or WACZ at all."""


class UnsafePackageError(ArchiveError):
    """A package that would harm whoever opens it: a bomb, a link, a path outside."""


class DamagedMemberError(ArchiveError):
    """A file in a package cannot be unpacked, or is not what the package says."""


class DamagedRecordError(ArchiveError):
    """A record or its payload cannot be read as declared."""


class ExtractionError(ArchiveError):
    """No text can be taken from a document; its bytes are kept as they are."""


class StoreError(ArchiveError):
    """The archive home refused a write, or lacks a file it should hold."""


class GuardRefusedError(ArchiveError):
    """The network guard forbids this address."""


class PhraseListError(ArchiveError):
    """A list of what pages say when something is not there is not of its format."""


class SiteRulesError(ArchiveError):
    """A file of what is done on pages before they are kept is not of its format."""


class CookieFormatError(ArchiveError):
    """The file is no cookies.txt and no JSON of cookies."""


class BrowserMissingError(ArchiveError):
    """No browser that answers ``--version`` and opens a page was found."""


class TrustError(ArchiveError):
    """What a person gave to be trusted is no key, no certificate and no fingerprint."""
