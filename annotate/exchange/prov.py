"""Where an item comes from, as PROV-JSON (W3C Member Submission of 24 April 2013).

Entities are the item, its captures and their texts; activities what happened to it, each with the
digest of its event; agents the people by pseudonym, and the programs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from archive.clock import isoformat

PREFIXES: Final = {
    "hf": "urn:holdfast:terms:",
    "uuid": "urn:uuid:",
    "event": "urn:holdfast:event:",
    "op": "urn:holdfast:operator:",
    "software": "urn:holdfast:software:",
    "dcterms": "http://purl.org/dc/terms/",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """A capture of the item."""

    id: str
    address: str
    began: datetime
    ended: datetime
    outcome: str
    software: str
    operator: str
    """Pseudonym of who captured; "" for an imported file."""
    warc_sha256: str
    record_id: str
    text_sha256: str


@dataclass(frozen=True, slots=True)
class Act:
    """Something that happened to the item, from the log of events."""

    name: str
    """Ledger and number of the event."""
    kind: str
    at: datetime
    actor: str
    """A pseudonym."""
    digest: str


def document(
    item_id: str, address: str, title: str, captures: Sequence[Seen], acts: Sequence[Act]
) -> dict[str, Any]:
    """Return the provenance of one item."""
    found: dict[str, dict[str, Any]] = {"prefix": dict(PREFIXES)}

    def put(part: str, name: str, **said: object) -> None:
        told = {key.replace("__", ":"): value for key, value in said.items() if value}
        found.setdefault(part, {})[name] = told

    item = f"uuid:{item_id}"
    put("entity", item, prov__type="hf:item", dcterms__identifier=address, prov__label=title)
    for one in captures:
        _capture(put, item, one)
    for number, act in enumerate(acts):
        activity = f"event:{act.name}"
        when = isoformat(act.at)
        put(
            "activity", activity, prov__startTime=when, prov__endTime=when,
            prov__type=f"hf:{act.kind}", hf__sha256=act.digest,
        )  # fmt: skip
        put("agent", f"op:{act.actor}", prov__type="prov:Person" if act.actor != "system" else
            "prov:SoftwareAgent")  # fmt: skip
        put("wasAssociatedWith", f"_:a{number}", prov__activity=activity,
            prov__agent=f"op:{act.actor}")  # fmt: skip
        put("used", f"_:u{number}", prov__activity=activity, prov__entity=item)
    return found


def _capture(put: Any, item: str, one: Seen) -> None:
    capture, activity = f"uuid:{one.id}", f"hf:capture-{one.id}"
    put(
        "entity", capture, prov__type="hf:capture", dcterms__identifier=one.address,
        hf__outcome=one.outcome, hf__warc_sha256=one.warc_sha256, hf__record=one.record_id,
    )  # fmt: skip
    put("activity", activity, prov__startTime=isoformat(one.began),
        prov__endTime=isoformat(one.ended), prov__type="hf:capturing")  # fmt: skip
    put("wasGeneratedBy", f"_:g{one.id}", prov__entity=capture, prov__activity=activity,
        prov__time=isoformat(one.ended))  # fmt: skip
    put("specializationOf", f"_:s{one.id}", prov__specificEntity=capture, prov__generalEntity=item)
    if one.software:
        agent = "software:" + "-".join(one.software.split())
        put("agent", agent, prov__type="prov:SoftwareAgent", prov__label=one.software)
        put("wasAssociatedWith", f"_:w{one.id}", prov__activity=activity, prov__agent=agent)
    if one.operator:
        put("agent", f"op:{one.operator}", prov__type="prov:Person")
        put("wasAssociatedWith", f"_:o{one.id}", prov__activity=activity,
            prov__agent=f"op:{one.operator}")  # fmt: skip
    if one.text_sha256:
        text = f"hf:text-{one.id}"
        put("entity", text, prov__type="hf:rendition", hf__sha256=one.text_sha256)
        put("wasDerivedFrom", f"_:d{one.id}", prov__generatedEntity=text, prov__usedEntity=capture)
