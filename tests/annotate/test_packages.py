"""Selections leave as WACZ and CDXJ; what leaves is what others can check and open."""

from __future__ import annotations

import io
import json
import stat
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import site_example as site
from conftest import import_whole, send
from flask.testing import FlaskClient

from annotate.models import Item, Project
from annotate.wiring import Wiring
from archive.export.signing import KEY_FILE, package_key

Browser = Callable[[str], FlaskClient]
ORACLES = Path(__file__).parents[2] / ".venv-oracles/bin"


@pytest.fixture
def crawl(wiring: Wiring, project: Project, tmp_path: Path) -> None:
    from annotate.jobs.indexing import index_now

    import_whole(wiring, project, site.write(tmp_path / "crawl.warc.gz"))
    index_now(wiring)


def package(client: FlaskClient, **args: str) -> bytes:
    query = "&".join(f"{key}={value}" for key, value in args.items())
    answer = send(client, f"/p/study/package?{query}", "/p/study/package.wacz", **args)
    assert answer.status_code == 200, answer.text
    return answer.data


def test_the_key_is_made_with_the_home_and_is_nobody_elses(wiring: Wiring) -> None:
    assert stat.S_IMODE((wiring.home / KEY_FILE).stat().st_mode) == 0o600


def test_a_signature_repeats(wiring: Wiring) -> None:
    key = package_key(wiring.home)
    assert key.sign("sha256:00") == key.sign("sha256:00")


def test_the_page_says_what_would_be_in_it(sign_in: Browser, crawl: None) -> None:
    page = sign_in("viewer").get("/p/study/package").text
    assert "1 WARC" in page
    assert "Save as WACZ" in page
    assert "WACZ" in sign_in("viewer").get("/p/study/").text


def test_the_same_selection_gives_the_same_bytes(sign_in: Browser, crawl: None) -> None:
    client = sign_in("viewer")
    assert package(client) == package(client)


def test_heads_of_members_are_as_long_as_the_list_says(sign_in: Browser, crawl: None) -> None:
    """ReplayWeb.page reads a member at the place that the list alone tells."""
    data = package(sign_in("viewer"))
    with zipfile.ZipFile(io.BytesIO(data)) as held:
        for one in held.infolist():
            at = one.header_offset + 30 + len(one.filename.encode()) + len(one.extra)
            assert data[at : at + one.file_size] == held.read(one)


def test_a_package_holds_the_warc_byte_for_byte(
    sign_in: Browser, crawl: None, tmp_path: Path
) -> None:
    with zipfile.ZipFile(io.BytesIO(package(sign_in("viewer")))) as held:
        name = next(one for one in held.namelist() if one.startswith("archive/"))
        assert held.read(name) == (tmp_path / "crawl.warc.gz").read_bytes()
        lines = held.read("indexes/index.cdxj").decode().splitlines()
        pages = [json.loads(line) for line in held.read("pages/pages.jsonl").splitlines()[1:]]
    posts = [
        said for line in lines if (said := json.loads(line.split(" ", 2)[2]))["method"] == "POST"
    ]
    assert [one["url"] for one in pages] == [
        "http://site.example/",
        "http://site.example/inner.html",
    ]
    assert sorted(one["requestBody"] for one in posts) == [
        "query=%7Bcotton%7D",
        "query=%7Brailway%7D",
    ]
    assert all(len(line.split(" ")[1]) == 17 for line in lines)


def test_wacz_validate_takes_our_package(sign_in: Browser, crawl: None, tmp_path: Path) -> None:
    if not (ORACLES / "wacz").exists():
        pytest.skip("the oracles are not installed: make oracles")
    path = tmp_path / "ours.wacz"
    path.write_bytes(package(sign_in("viewer")))
    done = subprocess.run(
        [ORACLES / "wacz", "validate", "-f", path], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "valid" in (done.stdout + done.stderr).lower()


def test_our_own_verifier_takes_it_too(sign_in: Browser, crawl: None, tmp_path: Path) -> None:
    from archive.verify import verify_any

    path = tmp_path / "ours.wacz"
    path.write_bytes(package(sign_in("viewer")))
    found = verify_any(path)
    assert "unknown key" in str(found), "a key that merely fits its own signature proves nobody"
    assert found.word == "intact"


def test_one_item_is_packed_alone(
    sign_in: Browser, capture: Callable[[dict[str, str]], None], wiring: Wiring
) -> None:
    from sqlalchemy import select

    capture({"https://e.org/a": "<title>A</title><p>a", "https://e.org/b": "<title>B</title><p>b"})
    with wiring.database.read() as session:
        item = session.scalar(select(Item).where(Item.address == "https://e.org/a"))
    assert item is not None
    with zipfile.ZipFile(io.BytesIO(package(sign_in("viewer"), item=item.id))) as held:
        text = held.read("indexes/index.cdxj").decode()
    assert "https://e.org/a" in text
    assert "https://e.org/b" not in text


def test_taking_out_is_written_down_and_a_stranger_may_not(
    sign_in: Browser, crawl: None, wiring: Wiring
) -> None:
    from sqlalchemy import select

    from annotate.models import Event, EventKind

    package(sign_in("viewer"))
    with wiring.database.read() as session:
        kinds = [
            json.loads(one.document)["body"].get("format")
            for one in session.scalars(select(Event).where(Event.kind == EventKind.EXPORT_MAKE))
        ]
    assert kinds == ["wacz"]
    assert sign_in("stranger").get("/p/study/package").status_code == 404


def test_the_index_comes_by_itself(sign_in: Browser, crawl: None) -> None:
    answer = send(sign_in("viewer"), "/p/study/package", "/p/study/package.cdxj")
    lines = answer.text.splitlines()
    assert lines == sorted(lines)
    assert len(lines) == 9
