"""`holdfast serve` and `holdfast work`."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Mapping
from typing import Final

import click

from annotate import collecting
from annotate.app import create_app
from annotate.cli import Invocation
from annotate.errors import EnvironmentMissingError, UsageError
from annotate.jobs import importing
from annotate.jobs.family import Family, child_stop
from annotate.jobs.worker import Worker, recover
from annotate.replay_app import check_settings, create_replay_app, is_offered
from annotate.web_server import WebServer
from annotate.wiring import Wiring, open_home

# Seconds after which a thread at work lets another have its turn. Each statement to SQLite gives
# the turn away; at Python's 5 ms a save of twenty statements waited a tenth of a second for a
# page that somebody else was being shown (benchmarks/coding_load.py).
TURN: Final = 0.0005
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


@click.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="TCP port.")
@click.option("--workers", type=int, help="Capture processes.")
@click.option("--no-worker", is_flag=True, help="Capture nothing.")
@click.pass_obj
def serve(
    invocation: Invocation,
    host: str | None,
    port: int | None,
    workers: int | None,
    no_worker: bool,
) -> None:
    """Serve the web application, with its capture workers and its indexer."""
    given = {"host": host, "port": port, "workers": 0 if no_worker else workers}
    config = invocation.config.replaced(
        {name: value for name, value in given.items() if value is not None}
    )
    run_server(open_home(config))


@click.command()
@click.option("--name", default="work", help="What the worker is called in the queue.")
@click.option("--until-empty", is_flag=True, help="End when nothing waits any more.")
@click.pass_obj
def work(invocation: Invocation, name: str, until_empty: bool) -> None:
    """Run one more capture worker."""
    wiring = open_home(invocation.config)
    recover(wiring)
    done = Worker(wiring, name).run(child_stop(), until_empty=until_empty)
    click.echo(f"{done} captures carried out", err=True)


def run_server(wiring: Wiring, *, announce: str = "") -> None:
    """Serve until interrupted; the children end with us.

    :raises UsageError: another host than loopback is asked for without TLS in front
    :raises EnvironmentMissingError: the port is taken
    """
    config = wiring.config
    if config.host not in _LOOPBACK and not config.behind_tls:
        raise UsageError(
            f"{config.host} is not loopback: sign-ins would cross the network unprotected. "
            "Put a TLS proxy in front and set behind_tls."
        )
    if is_offered(wiring):
        check_settings(wiring)
    recover(wiring)
    importing.resume(wiring)
    sys.setswitchinterval(TURN)
    try:
        server = WebServer(
            create_app(wiring), host=config.host, port=config.port, threads=config.threads,
            max_request_body_size=config.upload_bytes + 1_000_000,
        )  # fmt: skip
    except OSError as error:
        raise EnvironmentMissingError(
            f"Port {config.port} of {config.host} cannot be served: {error.strerror}. "
            "Set another with --port or HOLDFAST_PORT."
        ) from error
    collecting.begin_serving()
    replay = _serve_replay(wiring)
    family = Family(child_environment(wiring))
    for number in range(config.workers):
        family.add(f"worker {number}", "annotate.jobs.capturing", f"worker-{number}")
    family.add("indexer", "annotate.jobs.indexing")
    family.start()
    signal.signal(signal.SIGTERM, _interrupt)
    click.echo(f"Holdfast is at {server.address}")
    if announce:
        click.echo(announce)
    try:
        server.run()  # until SIGINT or SIGTERM
    finally:
        if replay is not None:
            replay.end()
        family.stop()


def _serve_replay(wiring: Wiring) -> WebServer | None:
    """Serve the replay host beside the application, where one is set up."""
    if not is_offered(wiring):
        return None
    config = wiring.config
    try:
        server = WebServer(
            create_replay_app(wiring), host=config.host, port=config.replay_port,
            threads=config.threads,
        )  # fmt: skip
    except OSError as error:
        raise EnvironmentMissingError(
            f"Port {config.replay_port} of {config.host} cannot be served: {error.strerror}. "
            "Set another with HOLDFAST_REPLAY_PORT."
        ) from error
    threading.Thread(target=server.run, name="replay", daemon=True).start()
    return server


def child_environment(wiring: Wiring) -> Mapping[str, str]:
    """Return what the children must be told: the same home and the same settings."""
    config = wiring.config
    return {
        "HOLDFAST_HOME": str(wiring.home),
        "HOLDFAST_ENGINE": config.engine,
        "HOLDFAST_BROWSER": config.browser,
        "HOLDFAST_GUARD_ALLOW": config.guard_allow,
        "HOLDFAST_CAPTURE_SECONDS": str(config.capture_seconds),
        "HOLDFAST_CAPTURE_BYTES": str(config.capture_bytes),
        "HOLDFAST_ATTEMPTS": str(config.attempts),
        "HOLDFAST_RETRY_PAUSE": str(config.retry_pause),
        "HOLDFAST_HOST_DELAY": str(config.host_delay),
        "HOLDFAST_LOG_LEVEL": config.log_level,
    }


def _interrupt(*_signal: object) -> None:
    raise KeyboardInterrupt
