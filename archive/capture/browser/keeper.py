"""Stands between Holdfast and a browser, so that neither process nor profile outlives its user.

Run as a program of its own: ``python -I -S keeper.py COMMANDS ANSWERS PROFILE BINARY FLAG…``.
Its standard input is a pipe that its user holds open and never writes to. When that pipe ends
(the user closed it, or was killed) or the browser ends, the browser's whole process group is
killed and the profile removed. The browser itself ends too when its command pipe closes, so a
killed keeper leaves no process either; the folder it leaves is swept by the next start.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import shutil
import signal
import subprocess
import sys
import time

_LOOK = 0.1  # seconds between two looks at the browser
_TRIES = 20  # a dying renderer may still write into the profile


def main(arguments: list[str]) -> int:
    """Keep one browser until it ends or nobody uses it any more."""
    commands, answers, profile, *command = arguments
    # 3 and 4 are where --remote-debugging-pipe expects them; ours may be those numbers swapped.
    aside = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 20) for number in (commands, answers)]
    for number in (commands, answers):
        os.close(int(number))
    for source, wanted in zip(aside, (3, 4), strict=True):
        os.dup2(source, wanted)
        os.close(source)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    browser: subprocess.Popen[bytes] | None = None
    try:
        browser = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, pass_fds=(3, 4), process_group=0,
        )  # fmt: skip
        os.close(3)
        os.close(4)
        while browser.poll() is None:
            ready, _, _ = select.select([0], [], [], _LOOK)
            if ready and not os.read(0, 64):
                break
    finally:
        _end(browser, profile)
    return 0


def _end(browser: subprocess.Popen[bytes] | None, profile: str) -> None:
    if browser is not None:
        with contextlib.suppress(ProcessLookupError):  # it was gone already
            os.killpg(browser.pid, signal.SIGKILL)
        browser.wait()
    for _ in range(_TRIES):
        shutil.rmtree(profile, ignore_errors=True)
        if not os.path.exists(profile):
            return
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
