"""A profile goes with its lock last, so that one left half-way is known to be nobody's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from archive.capture.browser import process
from archive.capture.browser.keeper import LOCK, remove_profile


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(process, "_place", lambda: str(tmp_path))
    made = tmp_path / f"{process.PREFIX}x"
    (made / "Default" / "Cache").mkdir(parents=True)
    (made / "Default" / "Cache" / "data").write_bytes(b"x" * 100)
    (made / LOCK).touch()
    (made / "Singleton").symlink_to("nowhere")
    return made


def test_it_goes_whole(profile: Path) -> None:
    assert remove_profile(profile)
    assert not profile.exists()
    assert remove_profile(profile)  # gone is gone


def test_what_a_dying_process_goes_on_writing_into_is_swept_at_once(
    profile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(path: str, **given: int) -> None:
        if not given:  # the profile itself, not a folder in it
            (Path(path) / "late").write_bytes(b"late")
        real(path, **given)

    real = os.rmdir
    with monkeypatch.context() as while_it_dies:
        while_it_dies.setattr(os, "rmdir", late)
        assert not remove_profile(profile)
    assert (profile / LOCK).exists()
    assert process.sweep() == 1  # however young it is
    assert not profile.exists()


def test_a_living_one_is_left(profile: Path) -> None:
    with (profile / LOCK).open("rb+") as held:
        process.fcntl.flock(held, process.fcntl.LOCK_EX)
        assert process.sweep() == 0
    assert profile.exists()
    assert process.sweep() == 1
