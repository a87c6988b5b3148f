"""Web Annotations: the W3C's own examples are taken, its wrong ones refused by name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import send
from flask.testing import FlaskClient

from annotate.exchange import jsonld

SHARED = Path(__file__).resolve().parents[3] / ".." / "shared"
W3C = SHARED / "corpora/annotation/w3c-web-annotation"
RIGHT = sorted([*W3C.glob("model/wd2/examples/correct/*.json"), *W3C.glob("admin/**/*.json")])
WRONG = sorted(W3C.glob("model/wd2/examples/incorrect/*.json"))
# What each wrong example is about, beyond the two ids that most of them also have.
ABOUT = {
    2: "@context", 3: "@context", 4: "@context", 5: "@context", 6: "id", 8: "type", 9: "type",
    10: "target", 11: "target", 12: "body", 13: "body.id", 14: "body.format", 16: "textDirection",
    17: "body.value", 18: "body.value", 19: "bodyValue", 20: "bodyValue", 21: "bodyValue",
    22: "body.type", 23: "processingLanguage", 24: "textDirection", 25: "body", 26: "creator",
    27: "generator", 28: "created", 29: "modified", 30: "generated", 31: "modified", 32: "created",
    33: "generated", 34: "rights", 35: "via", 36: "canonical", 37: "source", 38: "value",
    39: "value", 40: "conformsTo",
}  # fmt: skip

pytestmark = pytest.mark.skipif(not SHARED.exists(), reason="needs the shared corpora")


@pytest.mark.parametrize("path", RIGHT, ids=lambda path: f"{path.parts[-4]}-{path.stem}")
def test_the_examples_of_the_recommendation_are_right(path: Path) -> None:
    document = json.loads(path.read_text("utf-8"))
    assert jsonld.is_annotations(document)
    for one in jsonld.annotations_in(document):
        if isinstance(one, dict):  # a page may also name annotations by address alone
            assert jsonld.check(one) == []


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_wrong_examples_are_refused_at_the_key_that_is_wrong(path: Path) -> None:
    number = int(path.stem.removeprefix("anno"))
    text = path.read_text("utf-8")
    plain = re.sub(r",(\s*[}\]])", r"\1", text)  # most of them also have a comma too many
    try:
        document = json.loads(plain)
    except ValueError:
        assert number == 1, plain
        return
    assert jsonld.check(document), text
    if isinstance(document.get("id"), list) and number != 7:
        document["id"] = document["id"][0]
    if number in ABOUT:
        faults = jsonld.check(document)
        assert any(ABOUT[number] in one.partition(":")[0] for one in faults), faults


def test_what_goes_out_is_right_and_is_read_back(
    sign_in: Callable[[str], FlaskClient], capture: Callable
) -> None:
    address = "https://example.org/"
    capture({address: "<html><title>t</title><p>新疆棉花 القطن 🇺🇳 e\u0301t\u00e9 cotton"})
    owner = sign_in("owner")
    item = owner.get("/p/study/items.json").json["items"][0]
    page = f"/p/study/items/{item['id']}/highlights"
    for quote, body in (("🇺🇳", ""), ("棉花 القطن", "ملاحظة"), ("e\u0301t\u00e9", "注")):
        add = f"/p/study/captures/{item['capture_id']}/highlights"
        assert send(owner, page, add, quote=quote, body=body).status_code == 302
    for where in (f"{page}.json", "/p/study/exchange/annotations.jsonld"):
        document = json.loads(owner.get(where).data)
        found = list(jsonld.annotations_in(document))
        assert len(found) == 3
        assert [fault for one in found for fault in jsonld.check(one)] == []
        marks, faults = jsonld.read(document)
        assert faults == []
        assert {mark.exact for mark in marks} == {"🇺🇳", "棉花 القطن", "e\u0301t\u00e9"}
        assert {mark.body for mark in marks} == {"", "ملاحظة", "注"}
        assert {mark.source for mark in marks} == {address}
