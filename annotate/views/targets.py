"""Where a person goes after a form that can be sent from any page."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import request, url_for


def own_target() -> str:
    """Return the address the form names as `next`: a path of this application, never another."""
    wanted = request.values.get("next", "")
    parts = urlsplit(wanted)
    own = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if own and not parts.netloc and not parts.scheme else url_for("projects.index")
