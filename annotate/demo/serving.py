"""The process that serves a study's sites: `python -m annotate.demo.serving FOLDER PORT`.

Prints the port it listens on, and ends when the process that began it ends.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import Final

from annotate.demo.site import create_site
from annotate.demo.study import load_study
from annotate.web_server import WebServer

_LOOK: Final = 1.0  # seconds between two looks at the parent


def main(folder: Path, port: int) -> None:
    """Serve until the parent is gone."""
    server = WebServer(create_site(load_study(folder)), port=port, threads=8)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    server.run()


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK)
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
