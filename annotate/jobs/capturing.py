"""A capture worker as a process of its own: `python -m annotate.jobs.capturing NAME`."""

from __future__ import annotations

import logging
import os
import sys

from annotate.jobs.family import child_stop
from annotate.jobs.worker import Worker, recover
from annotate.wiring import open_home
from config import load_config


def main(name: str) -> None:
    """Work the queue of the home the environment names."""
    config = load_config(os.environ)
    logging.basicConfig(stream=sys.stderr, level=config.log_level.upper())
    wiring = open_home(config)
    stop = child_stop()
    recover(wiring)
    Worker(wiring, name).run(stop)


if __name__ == "__main__":
    main(sys.argv[1])
