"""Ten coders at once against the real server, over HTTP, as browsers do.

Each coder opens unit after unit, keeps a draft, and seals the answers; a pause stands for
looking at the unit. Counted are the seconds of each seal as the coder waits for it, every
status, and, from the database afterwards, every answer that was acknowledged.

Usage: python benchmarks/coding_load.py [--seconds 300] [--coders 10] [--pause 2]
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from sqlalchemy import select  # noqa: E402

from annotate.instrument import answers as instrument  # noqa: E402
from annotate.instrument import table  # noqa: E402
from annotate.models import Assignment, CodingAnswer, Item, Role, User  # noqa: E402
from annotate.services import codebooks, items, people, projects, rounds  # noqa: E402
from annotate.wiring import Wiring, make_home, open_home  # noqa: E402
from archive.urlkey import Address  # noqa: E402
from config import Config  # noqa: E402

SAVE_LIMIT = 0.050  # seconds: p95 of a seal
FAIRNESS = 0.5  # the slowest coder's share of the mean
BOOK = (
    "variable,variable_label,type,only_if,missing,code\n"
    "include,算吗؟,boolean,,unclear,\n"
    "frame,Which story?,nominal,include=yes,unclear,food\nframe,,,,,denial\n"
    "remark,What else?,text,include=yes,skipped,\n"
)


@dataclass
class Coder:
    """One coder at work."""

    login: str
    link: str
    saves: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    sealed: dict[str, str] = field(default_factory=dict)
    """What was acknowledged: the remark by unit."""
    fault: str = ""


def prepare(home: Path, coders: int, units: int) -> list[Coder]:
    """Make a home with a blind round in which every coder has all the units."""
    wiring = make_home(Config().replaced({"home": home}))
    with wiring.database.write() as session:
        owner = people.create_user(session, people.SYSTEM, login="owner", is_admin=True)
        actor = people.actor_of(owner)
        project = projects.create_project(session, actor, owner, slug="study", name="研究")
        users = [
            people.create_user(session, people.SYSTEM, login=f"coder{n}") for n in range(coders)
        ]
        for user in users:
            projects.set_member(session, actor, project, user, Role.CODER)
        addresses = [Address.parse(f"https://example.org/{n}") for n in range(units)]
        items.ensure_items(session, actor, project, addresses)
        version = codebooks.create(session, actor, project, table.read_table("Frames", BOOK))
        codebooks.freeze(session, actor, project, version)
        found = list(session.scalars(select(Item.id)))
        plan = rounds.Plan("Load", "", 0, 1, coders, users)
        rounds.open_round(session, actor, project, version, plan, found)
        made = [Coder(one.login, people.make_link(session, one, minutes=60)) for one in users]
    wiring.database.close()
    return made


class Browser:
    """A connection that keeps its cookies."""

    def __init__(self, host: str, coder: Coder) -> None:
        self._connection = http.client.HTTPConnection(host, timeout=60)
        self._cookies: dict[str, str] = {}
        self._coder = coder

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def ask(self, method: str, path: str, form: dict[str, str] | None = None) -> tuple[str, str]:
        """Ask for a page; return its text and where it sends to."""
        headers = {"Cookie": "; ".join(f"{key}={value}" for key, value in self._cookies.items())}
        body = None
        if form is not None:
            body = urlencode(form)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self._cookies[key] = rest.partition(";")[0]
        seen = self._coder.statuses
        seen[answer.status] = seen.get(answer.status, 0) + 1
        return text, answer.getheader("Location") or ""


def work(host: str, coder: Coder, until: float, pause: float, start: threading.Barrier) -> None:
    """Code until the time is over."""
    browser = Browser(host, coder)
    try:
        path = f"/sign-in/link/{coder.link}"
        page, _ = browser.ask("GET", path)
        browser.ask("POST", path, {"csrf_token": _hidden(page, "csrf_token")})
        page, _ = browser.ask("GET", "/p/study/coding")
        following = re.search(r'href="([^"]+/next)"', page)
        assert following is not None
        where = following[1]
        choose = random.Random(coder.login)
        start.wait()
        end = time.monotonic() + until
        while time.monotonic() < end:
            _text, unit = browser.ask("GET", where)
            if "/unit/" not in unit:
                raise AssertionError("the units ran out")
            page, _ = browser.ask("GET", unit)
            words = f"{coder.login} 嗯 {len(coder.sealed)}"
            form = {
                "csrf_token": _hidden(page, "csrf_token"), "version": "0", "seconds": "3",
                "v.include": "yes", "v.frame": choose.choice(("food", "denial")), "v.remark": words,
            }  # fmt: skip
            browser.ask("POST", f"{unit}/draft", form)
            time.sleep(pause * choose.uniform(0.5, 1.5))
            began = time.perf_counter()
            _text, where = browser.ask("POST", unit, form)
            coder.saves.append(time.perf_counter() - began)
            if where:
                coder.sealed[urlsplit(unit).path.rpartition("/")[2]] = words
    except (AssertionError, OSError, http.client.HTTPException) as error:
        coder.fault = repr(error)
    finally:
        browser.close()


def run(home: Path, *, seconds: float, coders: int, pause: float) -> dict[str, object]:
    """Let the coders work against a served home; return what was measured."""
    units = int(seconds / max(pause, 0.02)) + 100
    people_at_work = prepare(home, coders, units)
    command = "from annotate.cli import main; main()"
    server = subprocess.Popen(
        [sys.executable, "-c", command, "serve", "--port", "0", "--no-worker"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "HOLDFAST_HOME": str(home), "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        assert server.stdout is not None
        found = re.search(r"http://([^\s/]+:\d+)", server.stdout.readline())
        assert found is not None
        start = threading.Barrier(coders)
        threads = [
            threading.Thread(target=work, args=(found[1], one, seconds, pause, start))
            for one in people_at_work
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)
        if server.stdout is not None:
            server.stdout.close()
    wiring = open_home(Config().replaced({"home": home}))
    lost = _lost(wiring, people_at_work)
    wiring.database.close()
    saves = sorted(second for one in people_at_work for second in one.saves)
    done = [len(one.sealed) for one in people_at_work]
    statuses: dict[str, int] = {}
    for one in people_at_work:
        for status, number in one.statuses.items():
            statuses[str(status)] = statuses.get(str(status), 0) + number
    return {
        "coders": coders,
        "seconds": seconds,
        "sealed": sum(done),
        "lost": lost,
        "statuses": statuses,
        "faults": [one.fault for one in people_at_work if one.fault],
        "save_p50_ms": round(1000 * _quantile(saves, 0.5), 1),
        "save_p95_ms": round(1000 * _quantile(saves, 0.95), 1),
        "save_max_ms": round(1000 * saves[-1], 1),
        "slowest_share_of_mean": round(min(done) / statistics.mean(done), 3),
    }


def _lost(wiring: Wiring, coders: list[Coder]) -> int:
    """Count the acknowledged answers that the database does not hold as they were given."""
    with wiring.database.read() as session:
        rows = session.execute(
            select(User.login, Assignment.id, CodingAnswer.answers)
            .join(Assignment, Assignment.coder_id == User.id)
            .join(CodingAnswer, CodingAnswer.assignment_id == Assignment.id)
        ).all()
    held = {(login, unit): instrument.load(given)["remark"].values for login, unit, given in rows}
    return sum(
        held.get((one.login, unit)) != (words,)
        for one in coders
        for unit, words in one.sealed.items()
    )


def _hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found is not None, name
    return found[1]


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main() -> None:
    """Run, print one JSON line, and fail where a limit is broken."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--coders", type=int, default=10)
    parser.add_argument("--pause", type=float, default=2.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        found = run(
            Path(place) / "home", seconds=asked.seconds, coders=asked.coders, pause=asked.pause
        )
    print(json.dumps(found))
    broken = [
        found["lost"] != 0,
        any(status.startswith("5") for status in found["statuses"]),  # type: ignore[attr-defined]
        bool(found["faults"]),
        found["save_p95_ms"] > 1000 * SAVE_LIMIT,  # type: ignore[operator]
        found["slowest_share_of_mean"] < FAIRNESS,  # type: ignore[operator]
    ]
    sys.exit(1 if any(broken) else 0)


if __name__ == "__main__":
    main()
