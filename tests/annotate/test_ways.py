"""The way out of a project and its capture sessions, through settings, queue and command line."""

from __future__ import annotations

import io
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from conftest import FakeEngine, send
from flask.testing import FlaskClient
from sqlalchemy import select

from annotate.cli import holdfast
from annotate.jobs.worker import Worker
from annotate.models import Capture, CaptureRequest, CaptureSession, Event, EventKind, Project
from annotate.services import identities, ways
from annotate.wiring import Wiring
from archive.capture.egress import NamesBy
from archive.capture.job import CaptureJob, CaptureResult

SETTINGS = "/p/study/settings"
SECRET = "proxy-password-4711"
COOKIES = b".example.org\tTRUE\t/\tTRUE\t0\tsid\tcookie-value-4711\n"


def set_proxy(client: FlaskClient, **more: str) -> Any:
    form = {"way": "proxy", "host": "127.0.0.1", "port": "1080", "user": "ana", "password": SECRET,
            "names": "resolver", "resolver": "9.9.9.9"}  # fmt: skip
    return send(client, SETTINGS, "/p/study/way-out", **{**form, **more})


def add_session(client: FlaskClient, **more: Any) -> Any:
    form = {"name": "Ana abroad", "consent": "Ana agreed, for this study", "identity": "Ana\n@ana"}
    files = {"cookies": (io.BytesIO(COOKIES), "cookies.txt")}
    return send(client, SETTINGS, "/p/study/sessions", **{**form, **files, **more})


class Watching(FakeEngine):
    """A false engine that keeps the jobs it got."""

    def __init__(self, pages: dict[str, str]) -> None:
        super().__init__(pages)
        self.jobs: list[CaptureJob] = []

    def capture(self, job: CaptureJob) -> CaptureResult:
        self.jobs.append(job)
        return super().capture(job)


def work(wiring: Wiring, url: str) -> Watching:
    engine = Watching({url: "<p>words"})
    worker = Worker(wiring, "test")
    worker._engines["auto"] = engine
    while worker.step():
        pass
    return engine


def documents(wiring: Wiring) -> str:
    with wiring.database.read() as session:
        return "\n".join(session.scalars(select(Event.document)))


def test_a_proxy_set_in_the_settings_is_the_way_of_the_next_capture(
    sign_in: Callable[[str], FlaskClient], wiring: Wiring, project: Project
) -> None:
    client = sign_in("manager")
    assert "Captures leave directly" in client.get("/p/study/queue").text
    assert set_proxy(client).status_code == 302
    page = client.get(SETTINGS).text
    assert "127.0.0.1:1080" in page
    assert SECRET not in page
    assert "through the project" in client.get("/p/study/queue").text
    url = "https://example.org/1"
    send(client, "/p/study/queue", "/p/study/queue", addresses=url)
    [job] = work(wiring, url).jobs
    assert job.policy.egress is not None
    assert (job.policy.egress.host, job.policy.egress.port) == ("127.0.0.1", 1080)
    assert (job.policy.egress.user, job.policy.egress.password) == ("ana", SECRET)
    assert job.policy.egress.names is NamesBy.RESOLVER
    [secret] = (wiring.home / "secrets").iterdir()
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert stat.S_IMODE(secret.parent.stat().st_mode) == 0o700
    assert SECRET not in documents(wiring)


def test_a_password_is_kept_until_another_is_typed_and_goes_with_the_proxy(
    sign_in: Callable[[str], FlaskClient], wiring: Wiring, project: Project
) -> None:
    client = sign_in("owner")
    set_proxy(client)
    set_proxy(client, password="", port="1081")
    with wiring.database.read() as session:
        egress = ways.egress_of(session, project.id, wiring.secrets)
    assert egress is not None
    assert (egress.port, egress.password) == (1081, SECRET)
    set_proxy(client, password="another")
    assert [one.read_text() for one in (wiring.home / "secrets").iterdir()] == ["another"]
    send(client, SETTINGS, "/p/study/way-out", way="direct")
    assert not list((wiring.home / "secrets").iterdir())
    with wiring.database.read() as session:
        assert ways.egress_of(session, project.id, wiring.secrets) is None
        kinds = [one.kind for one in session.scalars(select(Event).order_by(Event.id))]
    assert kinds.count(EventKind.EGRESS_SET) == 3
    assert kinds[-1] is EventKind.EGRESS_CLEAR


WRONG_PROXIES = [
    {"host": "a b"}, {"host": ""}, {"port": "0"}, {"port": "x"}, {"resolver": "dns.example"},
    {"resolver": ""}, {"names": "nobody"}, {"user": ""}, {"way": "sideways"},
]  # fmt: skip
WRONG_SESSIONS: list[dict[str, Any]] = [
    {"name": " "}, {"consent": " "}, {"cookies": (io.BytesIO(b"not cookies"), "c.txt")},
]  # fmt: skip


def test_what_cannot_be_is_refused_and_nothing_changes(
    sign_in: Callable[[str], FlaskClient], wiring: Wiring, project: Project
) -> None:
    client = sign_in("owner")
    for proxy in WRONG_PROXIES:
        assert set_proxy(client, **proxy).status_code == 400, proxy
    for session in WRONG_SESSIONS:
        assert add_session(client, **session).status_code == 400, session
    with wiring.database.read() as database:
        assert ways.egress_row(database, project.id) is None
    assert not list((wiring.home / "secrets").iterdir())
    assert not list((wiring.home / "sessions").iterdir())


def test_nothing_is_sent_when_password_or_session_are_gone(
    sign_in: Callable[[str], FlaskClient], wiring: Wiring
) -> None:
    client = sign_in("owner")
    add_session(client)
    with wiring.database.read() as session:
        [row] = session.scalars(select(CaptureSession)).all()
    url = "https://example.org/1"
    send(client, "/p/study/queue", "/p/study/queue", addresses=url, session=row.id)
    send(client, SETTINGS, f"/p/study/sessions/{row.id}/delete")
    assert work(wiring, url).jobs == []
    [told] = client.get("/p/study/queue.json").json["requests"]
    assert "were deleted" in told["reason"]
    set_proxy(client)
    for one in (wiring.home / "secrets").iterdir():
        one.unlink()
    url = "https://example.org/2"
    send(client, "/p/study/queue", "/p/study/queue", addresses=url)
    assert work(wiring, url).jobs == []
    reasons = [one["reason"] for one in client.get("/p/study/queue.json").json["requests"]]
    assert any("Nothing was sent: A secret" in reason for reason in reasons), reasons


def test_only_who_may_change_the_project_changes_its_way_out(
    sign_in: Callable[[str], FlaskClient],
) -> None:
    for role in ("coder", "viewer"):
        client = sign_in(role)
        assert set_proxy(client).status_code == 403
        assert add_session(client).status_code == 403
    assert add_session(sign_in("stranger")).status_code == 404


def test_a_session_is_kept_chosen_used_and_deleted(
    sign_in: Callable[[str], FlaskClient], wiring: Wiring, project: Project
) -> None:
    client = sign_in("manager")
    assert add_session(client).status_code == 302
    page = client.get(SETTINGS).text
    assert "Ana abroad" in page
    assert "Ana agreed" in page
    assert "2 identity strings" in page
    assert "cookie-value-4711" not in page
    with wiring.database.read() as session:
        [row] = session.scalars(select(CaptureSession)).all()
    assert f'<option value="{row.id}">as Ana abroad' in client.get("/p/study/queue").text
    url = "https://example.org/1"
    send(client, "/p/study/queue", "/p/study/queue", addresses=url, session=row.id)
    [job] = work(wiring, url).jobs
    assert job.session is not None
    assert [one.value for one in job.session.cookies] == ["cookie-value-4711"]
    with wiring.database.read() as session:
        [capture] = session.scalars(select(Capture)).all()
    assert capture.session_id == row.id
    stored = [json.loads(one) for one in documents(wiring).splitlines()]
    [event] = [one for one in stored if one["kind"] == "capture:store"]
    assert event["body"]["session"] == row.id
    assert "Ana abroad" not in json.dumps(event)
    assert "cookie-value-4711" not in documents(wiring)
    send(client, SETTINGS, f"/p/study/sessions/{row.id}/delete")
    assert not list((wiring.home / "sessions").iterdir())
    assert row.id not in client.get("/p/study/queue").text
    with wiring.database.read() as session:
        assert identities.sessions_of(session, project.id) == []


def test_a_session_of_another_project_cannot_be_used(
    sign_in: Callable[[str], FlaskClient], wiring: Wiring
) -> None:
    client = sign_in("owner")
    send(client, "/", "/projects", slug="other", name="Other")
    send(client, "/p/other/settings", "/p/other/sessions", name="x", consent="y",
         cookies=(io.BytesIO(COOKIES), "cookies.txt"))  # fmt: skip
    with wiring.database.read() as session:
        [row] = session.scalars(select(CaptureSession)).all()
    answer = send(client, "/p/study/queue", "/p/study/queue",
                  addresses="https://example.org/", session=row.id)  # fmt: skip
    assert answer.status_code == 404
    with wiring.database.read() as session:
        assert session.scalars(select(CaptureRequest)).all() == []


def test_the_command_line_does_the_same(wiring: Wiring, project: Project, tmp_path: Path) -> None:
    def run(*words: str, **more: Any) -> str:
        answer = CliRunner().invoke(
            holdfast, ["--home", str(wiring.home), "--json", *words], **more
        )
        assert answer.exit_code == 0, (answer.output, answer.exception)
        return answer.stdout

    run("egress", "set", "127.0.0.1", "9050", "--names-by-proxy")
    assert json.loads(run("egress", "show"))["proxy"]["names"] == "proxy"
    run("egress", "set", "proxy.example.org", "1080", "--user", "ana", "--password", "--resolver",
        "[2620:fe::fe]:853", input=f"{SECRET}\n")  # fmt: skip
    told = json.loads(run("egress", "show"))["proxy"]
    assert (told["resolver"], told["resolver_port"], told["password"]) == ("2620:fe::fe", 853, True)
    with wiring.database.read() as session:
        egress = ways.egress_of(session, project.id, wiring.secrets)
    assert egress is not None
    assert egress.password == SECRET
    run("egress", "direct")
    assert json.loads(run("egress", "show"))["proxy"] is None
    file = tmp_path / "cookies.txt"
    file.write_bytes(COOKIES)
    run("session", "add", "Ana", str(file), "--consent", "agreed", "--identity", "@ana")
    [row] = json.loads(run("session", "list"))
    assert (row["name"], row["cookies"], row["domains"]) == ("Ana", 1, ["example.org"])
    run("capture", "https://example.org/", "--session", "Ana")
    with wiring.database.read() as session:
        [request] = session.scalars(select(CaptureRequest)).all()
    assert request.session_id == row["id"]
    run("session", "delete", "Ana")
    assert json.loads(run("session", "list")) == []
