"""A process that does nothing but capture, to see how much memory that takes."""

import json
import sys
from pathlib import Path

from archive.capture.browser.engine import BrowserEngine
from archive.capture.browsers import find_browser
from archive.capture.job import CaptureJob
from archive.capture.network import GuardPolicy
from archive.urlkey import Address


def peak() -> int:
    """Megabytes at most; the kernel's own ru_maxrss would count the parent before exec too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


def main() -> None:
    _size, here, allowed, folder = sys.argv[1:]
    policy = GuardPolicy(frozenset((ip, port) for ip, port in json.loads(allowed)))
    binary = find_browser(None)
    assert binary is not None
    found: dict[str, object] = {}
    with BrowserEngine(binary) as engine:
        for name in ("light", "huge"):
            place = Path(folder) / name
            place.mkdir()
            address = Address.parse(f"{here}/{name}")
            made = engine.capture(CaptureJob("id", address, place, policy, "op", "inst", "test"))
            found[name] = peak()
            found["title"] = made.title
    sys.stdout.write(json.dumps(found))


main()
