"""The certificates a peer showed on one connection."""

from __future__ import annotations

import ssl
from typing import Any, cast


def peer_chain(stream: ssl.SSLSocket) -> tuple[bytes, ...]:
    """The chain as the peer sent it, its own certificate first, DER.

    Python tells it in public since 3.13; before, its SSL object does, with certificate objects
    instead of bytes.
    """
    told = cast("Any", stream)
    if hasattr(told, "get_unverified_chain"):
        return tuple(told.get_unverified_chain())
    inner = getattr(told, "_sslobj", None)
    if inner is not None and hasattr(inner, "get_unverified_chain"):
        texts = [str(one.public_bytes()) for one in inner.get_unverified_chain() or ()]
        return tuple(ssl.PEM_cert_to_DER_cert(text) for text in texts)
    own = stream.getpeercert(binary_form=True)
    return (own,) if own else ()
