"""W3C Web Annotations (Recommendation of 23 February 2017), read and judged.

`check` names every fault against the data model, at its key; `read` takes what has a place here.
JSON-LD is read in the one form the model fixes (section 1.1 and the context), not expanded:
nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from annotate.exchange.fragments import apart, is_fragment
from annotate.exchange.hypothesis import moment
from annotate.exchange.marks import Mark

CONTEXT: Final = "http://www.w3.org/ns/anno.jsonld"
_CONTAINERS: Final = frozenset({"AnnotationCollection", "AnnotationPage"})
_SETS: Final = frozenset({"Choice", "List", "Composite", "Independents"})
_IRI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]*")
_DATE: Final = re.compile(r"-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_DIRECTIONS: Final = frozenset({"ltr", "rtl", "auto"})
# Selectors by what each has to say once, and as what (section 4.2).
_SELECTORS: Final[Mapping[str, Mapping[str, type]]] = {
    "FragmentSelector": {"value": str},
    "CssSelector": {"value": str},
    "XPathSelector": {"value": str},
    "TextQuoteSelector": {"exact": str},
    "TextPositionSelector": {"start": int, "end": int},
    "DataPositionSelector": {"start": int, "end": int},
    "SvgSelector": {},
    "RangeSelector": {"startSelector": dict, "endSelector": dict},
}


def is_annotations(document: object) -> bool:
    """Tell whether a document says that it holds Web Annotations."""
    return isinstance(document, Mapping) and _has_context(document.get("@context"))


def annotations_in(document: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the annotations of a document: itself, or those of its pages."""
    kinds = set(_words(document.get("type")))
    if not kinds & _CONTAINERS:
        yield document
        return
    first = document.get("first")
    pages = [document, first] if isinstance(first, Mapping) else [document]
    for page in pages:
        items = page.get("items")
        for one in items if isinstance(items, list) else []:
            if isinstance(one, Mapping):
                yield {"@context": document.get("@context"), **one}
            else:
                yield one


def check(one: object) -> list[str]:
    """Return every fault of an annotation, each beginning with the key it is at; [] where none."""
    if not isinstance(one, Mapping):
        return ["an annotation is a JSON object"]
    return list(_faults(one))


def _faults(one: Mapping[str, Any]) -> Iterator[str]:
    if not _has_context(one.get("@context")):
        yield f"@context: has to be, or to hold, {CONTEXT} (3.1)"
    yield from _once(one, "id", _is_iri, "one address", needed=True)
    if "Annotation" not in _words(one.get("type")):
        yield "type: has to be, or to hold, “Annotation” (3.1)"
    if not one.get("target"):
        yield "target: is missing (3.1)"
    if "body" in one and "bodyValue" in one:
        yield "bodyValue: stands beside a body; only one of them may (3.2.5)"
    yield from _once(one, "bodyValue", _is_text, "one text")
    yield from _made(one, "")
    for key in ("creator", "generator"):
        for agent in _listed(one.get(key)):
            yield from _agent(agent, key)
    for key in ("body", "target"):
        for resource in _listed(one.get(key)):
            yield from _resource(resource, key)


def _made(one: Mapping[str, Any], where: str) -> Iterator[str]:
    for key in ("created", "modified", "generated"):
        yield from _once(one, key, _is_date, "one time with its zone (3.3.1)", where)
    yield from _once(one, "canonical", _is_iri, "one address (3.3.7)", where)
    for key in ("via", "rights"):
        for value in _listed(one.get(key)):
            if not _is_iri(value):
                yield f"{where}{key}: {value!r} is no address"


def _agent(agent: object, key: str) -> Iterator[str]:
    if isinstance(agent, Mapping):
        yield from _once(agent, "id", _is_iri, "one address (3.3.2)", f"{key}.")
    elif not _is_iri(agent):
        yield f"{key}: {agent!r} is no address and no agent (3.3.2)"


def _resource(one: object, where: str) -> Iterator[str]:
    """Judge a body or target: an address, a text, a set, or a stretch of something."""
    if not isinstance(one, Mapping):
        if not _is_iri(one):
            yield f"{where}: {one!r} is no address (3.2.1)"
        return
    kinds = _words(one.get("type"))
    here = f"{where}."
    yield from _once(one, "id", _is_iri, "one address", here)
    yield from _once(one, "processingLanguage", _is_text, "one language (3.2.1)", here)
    yield from _once(one, "textDirection", _is_direction, "ltr, rtl or auto (3.2.1)", here)
    for key in ("format", "language", "purpose"):
        for value in _listed(one.get(key)):
            if not isinstance(value, str):
                yield f"{here}{key}: {value!r} is no text"
    yield from _made(one, here)
    yield from _content(one, kinds, where)


def _content(one: Mapping[str, Any], kinds: list[str], where: str) -> Iterator[str]:
    here = f"{where}."
    sets = _SETS & set(kinds)
    if len(sets) > 1:
        yield f"{here}type: {' and '.join(sorted(sets))} cannot be one set (3.2.7, 3.2.8)"
    elif sets:
        items = _listed(one.get("items"))
        if not items:
            yield f"{here}items: is missing (3.2.7, 3.2.8)"
        for item in items:
            yield from _resource(item, f"{here}items")
    elif "TextualBody" in kinds or ("value" in one and "source" not in one):
        yield from _once(one, "value", _is_text, "one text (3.2.4)", here, needed=True)
    elif "SpecificResource" in kinds or "source" in one or "selector" in one:
        yield from _specific(one, here)
    elif "id" not in one:
        yield f"{where}: names nothing: no id, source, value or items (3.2)"


def _specific(one: Mapping[str, Any], where: str) -> Iterator[str]:
    source = one.get("source")
    if not _is_iri(source) and not (isinstance(source, Mapping) and _is_iri(source.get("id"))):
        yield f"{where}source: one address is needed (4)"
    for selector in _listed(one.get("selector")):
        yield from _selector(selector, f"{where}selector")
    for state in _listed(one.get("state")):
        if isinstance(state, Mapping):
            for key in ("sourceDate", "sourceDateStart", "sourceDateEnd"):
                for value in _listed(state.get(key)):
                    if not _is_date(value):
                        yield f"{where}state.{key}: {value!r} is no time with its zone (4.3.1)"


def _selector(one: object, where: str) -> Iterator[str]:
    if _is_iri(one):
        return
    if not isinstance(one, Mapping):
        yield f"{where}: {one!r} is no selector (4.2)"
        return
    for kind in _words(one.get("type")):
        for key, wanted in _SELECTORS.get(kind, {}).items():
            value = one.get(key)
            fits = isinstance(value, wanted) and not isinstance(value, bool)
            if not fits or (isinstance(value, int) and value < 0):
                what = {str: "one text", int: "one whole number", dict: "one selector"}[wanted]
                yield f"{where}.{key}: {what} is needed in a {kind} (4.2)"
    yield from _once(one, "conformsTo", _is_iri, "one address (4.2.1)", f"{where}.")
    for key in ("prefix", "suffix"):
        yield from _once(one, key, _is_text, "one text (4.2.4)", f"{where}.")
    for key in ("refinedBy", "startSelector", "endSelector"):
        for further in _listed(one.get(key)):
            yield from _selector(further, f"{where}.{key}")


def _once(
    one: Mapping[str, Any],
    key: str,
    fits: Callable[[object], bool],
    what: str,
    where: str = "",
    *,
    needed: bool = False,
) -> Iterator[str]:
    if key not in one:
        if needed:
            yield f"{where}{key}: is missing; {what} is needed"
    elif not fits(one[key]):
        yield f"{where}{key}: {one[key]!r} is not {what}"


def read(document: Mapping[str, Any]) -> tuple[list[Mark], list[str]]:
    """Return the marks of a document, and in words which annotations are refused and why."""
    found: list[Mark] = []
    faults: list[str] = []
    for number, one in enumerate(annotations_in(document), start=1):
        wrong = check(one)
        if wrong:
            name = one.get("id") if isinstance(one, Mapping) else None
            faults.append(f"Annotation {number} ({name or 'without a name'}): {'; '.join(wrong)}.")
            continue
        mark = _mark(one)
        if mark is None:
            faults.append(f"Annotation {number} ({one['id']}): it is about no page by address.")
        else:
            found.append(mark)
    return found, faults


def _mark(one: Mapping[str, Any]) -> Mark | None:
    target = _listed(one["target"])[0]
    named, held = _target(target)
    source, fragment = apart(named)
    value = str(held.get("FragmentSelector", {}).get("value", ""))
    fragment = value if is_fragment(value) else fragment
    if not source.startswith(("http://", "https://", "urn:")):
        return None
    texts = [*_texts(one.get("bodyValue")), *_texts(one.get("body"))]
    quote = held.get("TextQuoteSelector", {})
    position = held.get("TextPositionSelector", {})
    return Mark(
        name=str(one["id"])[:500],
        source=source,
        exact=str(quote.get("exact", "")),
        prefix=str(quote.get("prefix", "")),
        suffix=str(quote.get("suffix", "")),
        start=position.get("start"),
        end=position.get("end"),
        fragment=fragment,
        scope=_scope(target),
        body="\n\n".join(text for text, purpose in texts if purpose != "tagging"),
        tags=tuple(text for text, purpose in texts if purpose == "tagging"),
        maker=_maker(one.get("creator")),
        made_at=moment(one.get("created")),
        is_reply="replying" in _words(one.get("motivation")),
    )


def _target(target: Any) -> tuple[str, dict[str, Mapping[str, Any]]]:
    if not isinstance(target, Mapping):
        return str(target), {}
    source = target.get("source", target.get("id", ""))
    address = source.get("id", "") if isinstance(source, Mapping) else source
    held = {}
    for selector in _listed(target.get("selector")):
        if isinstance(selector, Mapping):
            held.update(dict.fromkeys(_words(selector.get("type")), selector))
    return str(address), held


def _scope(target: Any) -> str:
    scopes = _listed(target.get("scope")) if isinstance(target, Mapping) else []
    return str(scopes[0]) if scopes and _is_iri(scopes[0]) else ""


def _texts(bodies: object) -> Iterator[tuple[str, str]]:
    for body in _listed(bodies):
        if isinstance(body, str):
            yield body, ""
        elif isinstance(body, Mapping):
            text = body.get("value") or body.get("id") or body.get("source")
            if isinstance(text, str):
                yield text, " ".join(_words(body.get("purpose")))


def _maker(creators: object) -> str:
    names = []
    for agent in _listed(creators):
        said = agent.get("name") or agent.get("nickname") or agent.get("id") if isinstance(
            agent, Mapping) else agent  # fmt: skip
        names += [str(name) for name in _listed(said)[:1]]
    return ", ".join(names)[:300]


def _has_context(context: object) -> bool:
    return CONTEXT in _listed(context)


def _listed(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _words(value: object) -> list[str]:
    return [one for one in _listed(value) if isinstance(one, str)]


def _is_iri(value: object) -> bool:
    return isinstance(value, str) and _IRI.fullmatch(value) is not None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_date(value: object) -> bool:
    return isinstance(value, str) and _DATE.fullmatch(value) is not None


def _is_direction(value: object) -> bool:
    return value in _DIRECTIONS if isinstance(value, str) else False
