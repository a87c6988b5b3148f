"""Python's collector of garbage, told what is none.

A full pass looks at every object there is: some 200 ms at 20,000 items, while everybody waits.
So a process that serves people sets aside what it holds for long, and a piece of work that makes
many objects at once keeps the collector away while it lasts.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_settles: Final = [False]


def begin_serving() -> None:
    """Set aside what there is now, and from now on what `settle` is told of."""
    _settles[0] = True
    settle()


def settle() -> None:
    """Set aside what there is now: it is held for long. Does nothing where nobody is served."""
    if _settles[0]:
        gc.collect()  # else what is garbage now would stay
        gc.freeze()


@contextmanager
def paused() -> Iterator[None]:
    """Keep the collector away for a moment.

    Of two threads at once the first to come lets it work again, whichever ends last.
    """
    worked = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if worked:
            gc.enable()
