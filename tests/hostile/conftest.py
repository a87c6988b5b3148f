"""The application of tests/annotate, for attacks on it."""

from __future__ import annotations

from hostile_home import hostile

from tests.annotate.conftest import _empty_home, app, capture, project, sign_in, wiring

__all__ = ["_empty_home", "app", "capture", "hostile", "project", "sign_in", "wiring"]
