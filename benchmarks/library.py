"""The library at 20,000 items: pages, facets, a tag on 5,000 at once, pairs to judge, and all
that for somebody who codes 1,000 of them blind.

Usage: python benchmarks/library.py [ITEMS]. A home is made of invented items whose words are
lines of NTREX, in ten languages; it is taken away afterwards. Milliseconds at the 95th percentile,
on the server. The peer of the facets is the same counting done by SQLite itself.
"""

from __future__ import annotations

import json
import random
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from annotate import collecting, events
from annotate.app import create_app
from annotate.commands.serving import TURN
from annotate.instrument import table
from annotate.jobs.indexing import index_now
from annotate.models import (
    BulkKind,
    Capture,
    EventKind,
    FieldValue,
    Item,
    Likeness,
    Project,
    Rendition,
    Role,
    StudyField,
    ValueSource,
)
from annotate.services import codebooks, fields, people, projects, rounds, tags
from annotate.services import facets as counted
from annotate.services.label_index import labels_of
from annotate.services.zones import parse_zone
from annotate.wiring import Wiring, make_home
from archive.capture.outcome import Outcome
from config import Config
from search.likeness import LIKENESS_VERSION, sketch
from search.query import parse_query

NTREX = Path(__file__).resolve().parents[1].parent / "shared/corpora/text/ntrex"
RUNS = 40
TAGGED = 5000
UNITS = 1000  # coded blind


def p95(act: Callable[[int], object], runs: int = RUNS) -> float:
    """Time an act by the clock; return its 95th percentile in milliseconds."""
    return _p95(act, runs, time.perf_counter)


def cpu_p95(act: Callable[[int], object], runs: int = RUNS) -> float:
    """Time an act by the work it is, whatever else the machine does meanwhile."""
    return _p95(act, runs, time.thread_time)


def _p95(act: Callable[[int], object], runs: int, clock: Callable[[], float]) -> float:
    taken = []
    for number in range(runs):
        began = clock()
        act(number)
        taken.append((clock() - began) * 1000)
    return round(statistics.quantiles(taken, n=20)[-1], 1)


def once(name: str, act: Callable[[], object]) -> dict[str, object]:
    """Time what is slow the first time only: by the clock, and by the work it is."""
    began, worked = time.perf_counter(), time.thread_time()
    act()
    worked, began = time.thread_time() - worked, time.perf_counter() - began
    return {f"{name}_ms": round(began * 1000, 1), f"{name}_cpu_ms": round(worked * 1000, 1)}


def lines() -> list[tuple[str, str]]:
    """Return (language, line) pairs of the corpus."""
    found = []
    for path in sorted(NTREX.glob("*.txt")):
        language = path.stem.rpartition(".")[2][:2]
        found += [(language, line) for line in path.read_text("utf-8").splitlines() if line]
    return found or [("en", f"cotton fields near Kashgar, number {n}") for n in range(500)]


def fill(session: Session, project: Project, count: int) -> None:
    """Add items with a capture, a text and five values each, and one event an item.

    One in ten has the text of an earlier one, of which a word was changed.
    """
    chance = random.Random(5)
    owner = people.actor_of(people.find_user(session, "bench"))
    defined = {field.key: field for field in fields.fields_of(session, project.id)}
    texts = lines()
    start, text = datetime(2020, 1, 1, tzinfo=UTC), ""
    for number in range(count):
        address = f"https://site{number % 90}.example/status/{number}"
        language, words = texts[number % len(texts)]
        item = Item(
            project_id=project.id, address=address, host=f"site{number % 90}.example",
            ledger_tag=events.new_tag(), title=words[:60], language=language,
            latest_outcome=Outcome.COMPLETE, latest_captured_at=start,
        )  # fmt: skip
        moment = start + timedelta(minutes=number * 37)
        capture = Capture(
            project_id=project.id, item_id=item.id, address=address, outcome=Outcome.COMPLETE,
            captured_at=moment, finished_at=moment, engine="bench", title=item.title,
        )  # fmt: skip
        item.latest_capture_id, item.latest_captured_at = capture.id, moment
        earlier, text = text, "\n".join([*(chance.choice(texts)[1] for _ in range(4)), words])
        if number % 10 == 9:
            text = earlier.replace(" ", " x", 1)
        rendition = Rendition(capture_id=capture.id, text=text, sha256="0" * 64, version="bench")
        values = {
            "author": f"account_{int(chance.paretovariate(0.7)) % 400}",
            "promotes": f"creator_{int(chance.paretovariate(0.9)) % 60}",
            "platform": chance.choice(["chirp", "tube", "gram"]),
            "author_state_controlled": chance.choice(["yes", "yes", "no"]),
            "narrative": f"theme/{chance.randrange(12)}",
        }
        rows = [
            FieldValue(item_id=item.id, field_id=defined[key].id, value=value, raw=value,
                       source=ValueSource.LIST)
            for key, value in values.items()
            if chance.random() < 0.9
        ]  # fmt: skip
        rows.append(
            FieldValue(item_id=item.id, field_id=defined["posted_at"].id, value=moment.isoformat(),
                       raw=moment.isoformat(), source=ValueSource.LIST, instant=moment)
        )  # fmt: skip
        likeness = Likeness(
            capture_id=capture.id, project_id=project.id, text_sha256=rendition.sha256,
            words=sketch(text), screenshot=None, image=f"{chance.getrandbits(64):016x}",
            version=LIKENESS_VERSION,
        )  # fmt: skip
        session.add_all([item, capture, rendition, likeness, *rows])
        events.record(
            session, EventKind.CAPTURE_IMPORT, actor=owner,
            covers=[item, capture, rendition, *rows], project_id=project.id, item=item,
        )  # fmt: skip
        if number % 500 == 499:
            session.flush()
            session.expunge_all()
            project = session.get_one(Project, project.id)
    session.flush()


def facets_by_sql(session: Session, project_id: str) -> None:
    """Count the same facets of all items in the database: the peer."""
    keys = session.scalars(select(StudyField.id).where(StudyField.project_id == project_id)).all()
    for key in keys:
        session.execute(
            select(FieldValue.value, func.count())
            .where(FieldValue.field_id == key, FieldValue.current)
            .group_by(FieldValue.value)
        ).all()
    for column in (Item.latest_outcome, Item.language, Item.host):
        session.execute(select(column, func.count()).group_by(column)).all()


def measure(wiring: Wiring, project: Project) -> dict[str, object]:
    """Measure pages and the bulk tag."""
    app = create_app(wiring)
    app.config["RATELIMIT_ENABLED"] = False
    client = app.test_client()
    with wiring.database.write() as session:
        token = people.make_link(session, people.find_user(session, "bench"), minutes=5)
    url = f"/sign-in/link/{token}"
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(url).text)
    client.post(url, data={"csrf_token": found[1] if found else ""})
    base = f"/p/{project.slug}/"
    words = ("the", "棉", "في", "platform:tube", "narrative:theme/3 after:2020-02", "в")
    told: dict[str, object] = once("first_page", lambda: client.get(base))
    told |= once("first_pairs", lambda: client.get(f"/p/{project.slug}/same"))
    told |= once("pairs_again", lambda: client.get(f"/p/{project.slug}/same"))

    def other_query(number: int) -> object:  # never twice the same, so that nothing is kept
        query = f"{words[number % len(words)]} -nonesuch{time.perf_counter_ns()}"
        return client.get(base, query_string={"q": query})

    told["library_ms"] = p95(lambda _n: client.get(base))
    told["search_ms"] = p95(other_query)
    told["page_200_ms"] = p95(lambda n: client.get(base, query_string={"page": 200 + n}))
    told["library_cpu_ms"] = cpu_p95(lambda _n: client.get(base))
    told["search_cpu_ms"] = cpu_p95(other_query)
    told["facets_ms"] = facets(wiring, project)
    with wiring.database.read() as session:
        told["facets_by_sqlite_ms"] = p95(lambda _n: facets_by_sql(session, project.id), 10)
    told |= tag_many(app, client, base, wiring, project)
    return told | while_blind(client, base, wiring, project)


def facets(wiring: Wiring, project: Project) -> float:
    """Time the facets alone, each time of another set of items, with nothing kept."""
    with wiring.database.read() as session:
        labels = labels_of(session, project.id)
        known = fields.fields_of(session, project.id)
        ids = list(labels.items)

        def act(number: int) -> object:
            asked = counted.Asked(ids[number:], "", parse_query(""))
            return counted.facets_of(labels, project, known, parse_zone("UTC"), asked)

        return p95(act)


def tag_many(app, client, base, wiring, project) -> dict[str, object]:  # type: ignore[no-untyped-def]
    """Tag 5,000 items in one act while searches go on; when are they found by the tag?"""
    with wiring.database.read() as session:
        ids = list(labels_of(session, project.id).items)[:TAGGED]
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(base).text)
    form = {"csrf_token": token[1] if token else "", "item": ids, "act": "tag", "tag": "swept"}
    searching = app.test_client()
    for cookie in ("holdfast", "holdfast_form"):
        held = client.get_cookie(cookie)
        if held is not None:
            searching.set_cookie(cookie, held.value)
    words = ("the", "棉", "في", "в")

    def search(number: int) -> object:
        query = f"{words[number % 4]} -nonesuch{time.perf_counter_ns()}"
        return searching.get(f"{base}", query_string={"q": query})

    idle = p95(search)
    saved: list[float] = []

    def save() -> None:
        began, worked = time.perf_counter(), time.thread_time()
        answer = client.post(f"{base}bulk", data=form)
        assert answer.status_code == 302, answer.text
        saved.extend((time.perf_counter() - began, time.thread_time() - worked))

    thread = threading.Thread(target=save)
    thread.start()
    during = []
    while thread.is_alive() or len(during) < 2:
        began = time.perf_counter()
        search(len(during))
        during.append((time.perf_counter() - began) * 1000)
    thread.join()
    began = time.perf_counter()
    page = client.get(base, query_string={"q": "tag:swept"}).text
    searchable = time.perf_counter() - began
    assert f"{len(ids)} items" in page
    after = p95(search, 20)  # while the indexer takes the events up
    index_now(wiring)
    busy = statistics.quantiles(during, n=20)[-1]
    return {
        "tagged": len(ids),
        "save_s": round(saved[0], 2),
        "save_cpu_s": round(saved[1], 2),
        "searchable_after_s": round(searchable, 3),
        "search_idle_ms": idle,
        "search_while_saving_ms": round(busy, 1),
        "search_after_ms": after,
        "ratio_while_saving": round(busy / idle, 2),
        "ratio_after": round(after / idle, 2),
    }


def while_blind(
    client: FlaskClient, base: str, wiring: Wiring, project: Project
) -> dict[str, object]:
    """Open a round whose coders are the one who asks and another; then ask for the library."""
    with wiring.database.write() as session:
        user, held = people.find_user(session, "bench"), session.get_one(Project, project.id)
        actor = people.actor_of(user)
        other = people.create_user(session, people.SYSTEM, login="other")
        projects.set_member(session, actor, held, other, Role.CODER)
        book = "variable,variable_label,type\ninclude,Does it count?,boolean\n"
        version = codebooks.create(session, actor, held, table.read_table("Book", book))
        codebooks.freeze(session, actor, held, version)
        plan = rounds.Plan("Round", "", UNITS, 1, 2, [user, other])
        ids = list(session.scalars(select(Item.id).where(Item.project_id == held.id)))
        rounds.open_round(session, actor, held, version, plan, ids)
    told = once("blind_first_page", lambda: client.get(base))

    taken = []
    for item_id in ids[:RUNS]:
        with wiring.database.write() as session:
            held = session.get_one(Project, project.id)
            tags.tag_many(session, actor, held, [item_id], "seen", BulkKind.TAG)
        began = time.thread_time()
        client.get(base)
        taken.append((time.thread_time() - began) * 1000)
    told["blind_after_event_cpu_ms"] = round(statistics.quantiles(taken, n=20)[-1], 1)
    told["blind_library_cpu_ms"] = cpu_p95(lambda _n: client.get(base))
    return told


def main(count: int) -> None:
    """Make the home, measure, print one JSON line."""
    sys.setswitchinterval(TURN)  # as the server does, and:
    collecting.begin_serving()
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        wiring = make_home(Config().replaced({"home": Path(folder) / "home"}))
        with wiring.database.write() as session:
            user = people.create_user(session, people.SYSTEM, login="bench", is_admin=True)
            actor = people.actor_of(user)
            project = projects.create_project(session, actor, user, slug="bench", name="Bench")
        with wiring.database.write() as session:
            fill(session, session.get_one(Project, project.id), count)
        index_now(wiring)
        line = {"benchmark": "library", "items": count, **measure(wiring, project)}
        sys.stdout.write(json.dumps(line) + "\n")
        wiring.database.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
