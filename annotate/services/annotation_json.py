"""Marks as W3C Web Annotations, in JSON-LD; authors by pseudonym.

Source: Web Annotation Data Model (W3C Recommendation, 23 February 2017), 3.2 (targets), 4.2
(selectors), 4.3.1 (TimeState), 5 (collections).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from annotate.models import Annotation, AnnotationKind, Capture, Item, Project
from annotate.selectors.media import CONFORMS_TO
from annotate.services.annotating import Shown
from archive.clock import isoformat

_CONTEXT_URL: Final = "http://www.w3.org/ns/anno.jsonld"


def collection(project: Project, item: Item, shown: Sequence[Shown]) -> dict[str, Any]:
    """Return marks as an AnnotationCollection with one page."""
    base = f"urn:uuid:{project.id}"
    return {
        "@context": _CONTEXT_URL,
        "id": f"{base}:annotations:{item.id}",
        "type": "AnnotationCollection",
        "label": item.title or item.address,
        "total": len(shown),
        "first": {
            "id": f"{base}:annotations:{item.id}:1",
            "type": "AnnotationPage",
            "startIndex": 0,
            "items": [annotation(item, one.annotation, one.capture) for one in shown],
        },
    }


def annotation(item: Item, one: Annotation, capture: Capture) -> dict[str, Any]:
    """Return one mark. What is marked is as it was when it was captured, and the state says so."""
    document: dict[str, Any] = {
        "@context": _CONTEXT_URL,
        "id": f"urn:uuid:{one.id}",
        "type": "Annotation",
        "motivation": "commenting" if one.body else "highlighting",
        "created": isoformat(one.made_at),
        "modified": isoformat(one.changed_at),
        "creator": {"id": f"urn:uuid:{one.made_by}", "type": "Person"},
        "target": _target(item, one)
        | {"state": {"type": "TimeState", "sourceDate": isoformat(capture.captured_at)}},
    }
    if one.body:
        document["body"] = {"type": "TextualBody", "value": one.body, "format": "text/plain"}
    return document


def _target(item: Item, one: Annotation) -> dict[str, Any]:
    if one.kind is not AnnotationKind.TEXT:
        return {
            "source": one.source,
            "scope": item.address,
            "selector": fragment_selector(one.fragment),
        }
    return {
        "source": item.address,
        "selector": [
            {
                "type": "TextQuoteSelector",
                "exact": one.exact,
                "prefix": one.prefix,
                "suffix": one.suffix,
            },
            {"type": "TextPositionSelector", "start": one.start, "end": one.end},
        ],
    }


def fragment_selector(fragment: str) -> dict[str, str]:
    """Return a place on a picture or in a film as a FragmentSelector (4.2.1)."""
    return {"type": "FragmentSelector", "conformsTo": CONFORMS_TO, "value": fragment}
