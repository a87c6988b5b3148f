"""The test site and a browser engine, for every test that captures with a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from annotate.app import create_app
from annotate.wiring import Wiring
from archive.capture.browser.engine import BrowserEngine
from archive.capture.browsers import find_browser
from archive.capture.job import CaptureJob, CaptureOptions, CaptureResult
from archive.urlkey import Address
from tests.serving import serving
from tests.site.running import Site
from tests.site.written import Written

Capture = Callable[..., CaptureResult]


@pytest.fixture
def served(wiring: Wiring) -> Iterator[str]:
    """The application over the home that the test made, at an address of its own."""
    app = create_app(wiring)
    app.config["RATELIMIT_ENABLED"] = False
    with serving(app) as address:
        yield address


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """The test site (tests/site): two plain origins, one over HTTP/2, a closed port."""
    with Site() as running:
        yield running


@pytest.fixture(scope="session")
def binary() -> Path:
    """A Chromium that starts."""
    found = find_browser(None)
    assert found is not None, "no Chromium that starts: make setup finds or installs one"
    return found


@pytest.fixture(scope="session")
def engine(binary: Path, site: Site) -> Iterator[BrowserEngine]:
    """A browser engine that takes the test site's certificate for good."""
    with BrowserEngine(binary, trusted_keys=[site.spki]) as made:
        yield made


@pytest.fixture
def job(site: Site, tmp_path: Path) -> Callable[..., CaptureJob]:
    """Make the job of capturing an address, within this site alone."""

    def make(url: str, **options: object) -> CaptureJob:
        folder = tmp_path / f"capture-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        chosen = replace(CaptureOptions(), **options)  # type: ignore[arg-type]
        return CaptureJob(
            "0191e6c0-0000-7000-8000-000000000001", Address.parse(url), folder, site.policy,
            "op-1", "inst-1", "test", chosen,
        )  # fmt: skip

    return make


@pytest.fixture
def capture(
    engine: BrowserEngine, site: Site, job: Callable[..., CaptureJob]
) -> Callable[..., CaptureResult]:
    """Capture an address of the test site; its log begins anew."""

    def carry_out(url: str, **options: object) -> CaptureResult:
        site.log.clear()
        return engine.capture(job(url, **options))

    return carry_out


@pytest.fixture
def opened() -> Callable[[CaptureResult], Written]:
    """Read a capture's WARC with a reader that is not ours."""

    def read(made: CaptureResult) -> Written:
        assert made.warc is not None, made.reason
        return Written(made.warc.path)

    return read
