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

LOCK = "holdfast.lock"
"""The file in a profile that all who use it hold locked."""
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
    remove_profile(profile)


def remove_profile(profile: str | os.PathLike[str]) -> bool:
    """Remove a profile, its lock file last; return whether it is gone.

    While the lock file stands and nobody holds it, the folder is known to be nobody's: what a
    dying process writes into it anew is then swept by the next start, however young it is.
    """
    lock = os.path.join(profile, LOCK)
    for _ in range(_TRIES):
        try:
            for entry in list(os.scandir(profile)):
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                elif entry.name != LOCK:
                    os.unlink(entry.path)
            if os.listdir(profile) in ([], [LOCK]):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(lock)
                os.rmdir(profile)
                return True
        except FileNotFoundError:
            if not os.path.exists(profile):
                return True
        except OSError:  # written into between two looks
            with contextlib.suppress(OSError):
                os.close(os.open(lock, os.O_CREAT | os.O_RDWR, 0o600))
        time.sleep(0.05)
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
