"""Pages that behave in one way each: tall, never quiet, huge, with buttons, a download."""

from __future__ import annotations

import getpass
import gzip
import hashlib
import io
import json
import os
import platform
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from archive.capture.job import CaptureJob, CaptureResult
from archive.capture.outcome import Outcome
from tests.site.pages import BIG
from tests.site.running import Site
from tests.site.things import big
from tests.site.written import Written

pytestmark = pytest.mark.browser
Capture = Callable[..., CaptureResult]
Read = Callable[[CaptureResult], Written]
ROOT = Path(__file__).resolve().parents[2]


def test_a_tall_page_is_kept_in_tiles_down_to_its_end(
    capture: Capture, opened: Read, site: Site
) -> None:
    written = opened(capture(f"{site.here}/tall"))
    tiles = [Image.open(io.BytesIO(one)) for one in written.attachments("fullPage")]
    height = written.provenance["page_height"]
    assert height > 40_000
    assert [one.size for one in tiles] == [
        (1280, 16_000), (1280, 16_000), (1280, height - 32_000)
    ]  # fmt: skip
    assert written.provenance["page_height_not_shown"] == 0
    middle = [
        [one.convert("RGB").getpixel((600, y)) for y in (20, one.height - 20)] for one in tiles
    ]
    reds = [pixel[0] for pair in middle for pixel in pair]  # from red at the top to blue
    assert reds == sorted(reds, reverse=True)
    assert reds[0] > 250
    assert reds[-1] < 5
    assert max(abs(a - b) for a, b in zip(reds[1::2], reds[2::2], strict=False)) <= 1


def test_buttons_that_unfold_are_pressed_and_others_are_not(
    capture: Capture, opened: Read, site: Site
) -> None:
    made = capture(f"{site.here}/buttons")
    written = opened(made)
    asked = Counter(line.ask.path for line in site.log.lines())
    assert "unfolded" in made.text
    assert "page page=9" in made.text
    assert asked["/more"] == 1
    assert asked["/film.webm"] >= 1
    assert not {"/deleted", "/left-the-page"} & set(asked)
    assert written.provenance["done"] == {"steps": 1, "presses": 3, "unfolded": 1, "films": 1}
    kept = {one.target.removeprefix(site.here) for one in written.of("response")}
    assert {"/popup", "/in-popup.png"} <= kept  # the button opened a window of its own
    assert written.provenance["targets"]["page"] == 2
    assert made.outcome is Outcome.COMPLETE, made.reason


def test_a_download_instead_of_a_page_is_a_success(
    capture: Capture, opened: Read, site: Site
) -> None:
    made = capture(f"{site.here}/download")
    (one,) = opened(made).of("response")
    assert (made.outcome, made.reason) == (Outcome.COMPLETE, "")
    assert one.sha256 == hashlib.sha256(big(300_000)).hexdigest()


def test_a_page_that_never_falls_quiet_ends_at_its_cap_and_its_records_are_the_log(
    capture: Capture, opened: Read, site: Site
) -> None:
    made = capture(f"{site.here}/never")
    written = opened(made)
    assert made.outcome is Outcome.COMPLETE, made.reason
    assert written.provenance["quiet"] is False
    kept = Counter(one.target for one in written.of("response"))
    lost = Counter(one["url"] for one in written.ledger if one["record"] is None)
    asked = Counter(line.url for line in site.log.lines())
    assert not asked - kept - lost  # each is recorded, or is in the ledger
    assert not kept - asked
    assert (made.finished_at - made.started_at).total_seconds() < 60


def test_an_address_that_is_sent_on_keeps_each_hop(
    capture: Capture, opened: Read, site: Site
) -> None:
    made = capture(f"{site.here}/moved/307")
    written = opened(made)
    assert made.final_url == f"{site.here}/arrived"
    assert written.provenance["redirects"] == [f"{site.here}/moved/307"]
    assert [one.status for one in written.of("response")][:2] == [307, 200]


def test_nothing_in_the_warc_tells_who_or_where(capture: Capture, site: Site) -> None:
    made = capture(f"{site.here}/agent")
    assert made.warc is not None
    stored = gzip.decompress(made.warc.path.read_bytes()).lower()
    told = {platform.node(), f"{Path.home()}/", "user-data-dir", "holdfast-browser-", "socks",
            str(made.warc.path.parent)}  # fmt: skip
    told |= {name for name in (getpass.getuser(),) if name != "root"}
    assert [one for one in told if len(one) > 3 and one.lower().encode() in stored] == []
    for one in Written(made.warc.path).of("request"):
        sent = {name.lower(): value for name, value in one.http_headers}
        assert "Headless" not in str(sent)
        assert "Chrome/" in sent["user-agent"]
        assert '"Chromium"' in sent["sec-ch-ua"]
        assert sent["accept-language"].startswith("en")


def test_a_body_of_fifty_megabytes_in_little_memory(site: Site, tmp_path: Path) -> None:
    told = [str(BIG), site.here, json.dumps(sorted(site.policy.allowed)), str(tmp_path)]
    program = Path(__file__).parent / "capture_alone.py"
    ended = subprocess.run(
        [sys.executable, str(program), *told], cwd=ROOT, env={**os.environ, "PYTHONPATH": "."},
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    found = json.loads(ended.stdout)
    whole = Written(tmp_path / "huge" / "capture.warc.gz")
    body = next(one for one in whole.of("response") if one.target.endswith("/huge.bin"))
    assert body.sha256 == hashlib.sha256(big(BIG)).hexdigest()
    assert whole.attachment("text").decode() == "huge"
    assert found["title"] == str(BIG)  # the page got it too
    assert found["light"] <= 60, found
    assert found["huge"] <= 150, found


def test_a_job_that_is_over_leaves_no_context(
    job: Callable[..., CaptureJob], capture: Capture, site: Site
) -> None:
    made = capture(f"{site.here}/endless", time_limit=6.0)
    assert made.outcome is Outcome.PARTIAL
    again = capture(f"{site.here}/light")
    assert (again.outcome, again.reason) == (Outcome.COMPLETE, "")
