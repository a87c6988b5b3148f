"""The five acts a person does most, timed on the server with the demo's items: p95, milliseconds.

Usage: python benchmarks/five_acts.py HOME. The peer in the same run is the sign-in page, which
asks the database for nothing: `ratio` is the act's p95 over the page's.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select

from annotate.app import create_app
from annotate.models import Item, Project, User
from annotate.services import people
from annotate.wiring import open_home
from config import Config

RUNS = 60


def p95(act: Callable[[int], object]) -> float:
    """Time an act; return its 95th percentile in milliseconds."""
    taken = []
    for number in range(RUNS):
        began = time.perf_counter()
        act(number)
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.quantiles(taken, n=20)[-1]


def main(home: Path) -> None:
    """Measure and print one JSON line."""
    wiring = open_home(Config().replaced({"home": home}))
    app = create_app(wiring)
    app.config["RATELIMIT_ENABLED"] = False
    client = app.test_client()
    with wiring.database.write() as session:
        project = session.scalars(select(Project)).first()
        user = session.scalars(select(User)).first()
        if project is None or user is None:
            raise SystemExit("this home has no project yet")
        token = people.make_link(session, user, minutes=5)
        ids = list(session.scalars(select(Item.id).where(Item.project_id == project.id)))
    url = f"/sign-in/link/{token}"

    def post(action: str, **form: str) -> None:
        page = client.get("/me").text
        found = re.search(r'name="csrf_token" value="([^"]+)"', page)
        client.post(action, data={"csrf_token": found[1] if found else "", **form})

    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(url).text)
    client.post(url, data={"csrf_token": found[1] if found else ""})
    base = f"/p/{project.slug}"
    bare = p95(lambda _n: app.test_client().get("/sign-in"))
    words = ("棉花", "cotton", "القطن", '"forced labour"', "хлопок OR pamuk")
    acts = {
        "library": p95(lambda _n: client.get(f"{base}/")),
        "search": p95(lambda n: client.get(f"{base}/", query_string={"q": words[n % 5]})),
        "item": p95(lambda n: client.get(f"{base}/items/{ids[n % len(ids)]}")),
        "tag": p95(lambda n: post(f"{base}/items/{ids[n % len(ids)]}/tags", tag=f"t{n % 7}")),
        "note": p95(lambda n: post(f"{base}/items/{ids[n % len(ids)]}/notes", text=f"note {n}")),
    }
    line = {"items": len(ids), "bare_page_ms": round(bare, 1)}
    line |= {f"{name}_ms": round(value, 1) for name, value in acts.items()}
    line |= {f"{name}_ratio": round(value / bare, 1) for name, value in acts.items()}
    sys.stdout.write(json.dumps({"benchmark": "five acts", **line}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
