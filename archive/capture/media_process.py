"""yt-dlp in a process that can reach the guard and nothing else: `python -m … PORT ARGUMENT…`.

An audit hook stands before anything of yt-dlp is imported: connections go to the guard's port
on loopback or fail, names are not looked up, no other program is begun (a player or ffmpeg
would make connections of its own). So a part of yt-dlp that forgets its proxy leaks nothing.
"""

from __future__ import annotations

import ipaddress
import resource
import sys
from typing import Any, Final

MEMORY: Final = 2_000_000_000  # bytes of address space
_PROGRAMS: Final = frozenset(
    {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork", "os.system"}
)


class ForbiddenError(OSError):
    """Something was tried that only the guard may do."""


def confine(port: int) -> None:
    """Allow this process connections to the guard on `port`, and no others, for good."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind"}:
            where = arguments[1]
            if event == "socket.connect" and tuple(where[:2]) == ("127.0.0.1", port):
                return
            raise ForbiddenError(f"{event} {where!r} does not go through the guard")
        if event == "socket.getaddrinfo" and not _is_literal(arguments[0]):
            raise ForbiddenError("names are looked up by the guard")
        if event == "socket.gethostbyname":
            raise ForbiddenError("names are looked up by the guard")
        if event in _PROGRAMS:
            raise ForbiddenError("no other program is begun")

    sys.addaudithook(hook)


def _is_literal(host: object) -> bool:
    try:
        ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host))
    except ValueError:
        return False
    return True


def main(arguments: list[str]) -> None:
    """Run yt-dlp with what follows the guard's port and the bytes of the largest file."""
    port, largest = int(arguments[0]), int(arguments[1])
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    confine(port)
    import yt_dlp  # not before the hook stands  # noqa: PLC0415

    yt_dlp.main(arguments[2:])


if __name__ == "__main__":
    main(sys.argv[1:])
