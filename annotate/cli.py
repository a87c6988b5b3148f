"""The one console command. Each command's module is loaded only when it is asked for.

`holdfast verify` must run without Flask and without a database (decisions 19), so nothing
here imports either.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from annotate.errors import AnnotateError, EnvironmentMissingError
from archive.errors import ArchiveError, BrowserMissingError
from config import Config, ConfigError, load_config
from search.errors import SearchError

COMMANDS: Final[Mapping[str, str]] = {
    "init": "annotate.commands.home:init",
    "doctor": "annotate.commands.home:doctor",
    "serve": "annotate.commands.serving:serve",
    "work": "annotate.commands.serving:work",
    "run-demo": "annotate.commands.demo:run_demo",
    "demo": "annotate.commands.demo:demo",
    "capture": "annotate.commands.capture:capture",
    "observe": "annotate.commands.observing:observe",
    "queue": "annotate.commands.queue:queue",
    "import": "annotate.commands.importing:import_files",
    "phrases": "annotate.commands.phrases:phrases",
    "sites": "annotate.commands.sites:sites",
    "search": "annotate.commands.searching:search",
    "rebuild": "annotate.commands.searching:rebuild",
    "verify": "annotate.commands.verifying:verify",
    "fixity": "annotate.commands.fixity:fixity",
    "redact": "annotate.commands.redact:redact",
    "egress": "annotate.commands.ways:egress",
    "session": "annotate.commands.ways:session",
    "export": "annotate.commands.exporting:export",
    "agreement": "annotate.commands.coding:agreement",
    "token": "annotate.commands.coding:token",
    "user": "annotate.commands.people:user",
    "project": "annotate.commands.people:project",
}

GOOD: Final = 0
NOT_GOOD: Final = 1  # done, and something found is not good
WRONG_USAGE: Final = 2
MISSING: Final = 3
INTERRUPTED: Final = 130


@dataclass(frozen=True, slots=True)
class Invocation:
    """What the global options said; every command gets it as `ctx.obj`."""

    config: Config
    as_json: bool
    quiet: bool


class LazyGroup(click.Group):
    """A group whose commands are imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands without importing them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


@click.group(cls=LazyGroup)
@click.option("--home", type=click.Path(path_type=Path), help="Folder of the archive home.")
@click.option("--config", "file", type=click.Path(path_type=Path), help="A TOML settings file.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but results.")
@click.option("-v", "--verbose", is_flag=True, help="Say more on standard error.")
@click.version_option(package_name="holdfast")
@click.pass_context
def holdfast(
    ctx: click.Context,
    home: Path | None,
    file: Path | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Keep what a team saw on the web, work on it together, and let a stranger check it."""
    config = load_config(os.environ, file)
    if home is not None:
        config = config.replaced({"home": home})
    if verbose:
        config = config.replaced({"log_level": "debug"})
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.ERROR if quiet else config.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    ctx.obj = Invocation(config=config, as_json=as_json, quiet=quiet)


def main() -> None:
    """Run the command line; turn every error meant for people into a line and an exit code."""
    try:
        code = holdfast.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(_say("Interrupted; everything finished so far is kept.", INTERRUPTED))
    except click.ClickException as error:
        error.show()
        sys.exit(WRONG_USAGE)
    except (EnvironmentMissingError, BrowserMissingError) as error:
        sys.exit(_say(str(error), MISSING))
    except (AnnotateError, ArchiveError, SearchError, ConfigError) as error:
        sys.exit(_say(str(error), WRONG_USAGE))
    except Exception as error:  # the CLI edge: whatever is left is recorded and said plainly
        logging.getLogger("holdfast").debug("unexpected", exc_info=error)
        sys.exit(_say(f"Holdfast failed on something it did not expect: {error!r}", NOT_GOOD))
    sys.exit(code if isinstance(code, int) else GOOD)


def _say(message: str, code: int) -> int:
    click.echo(message, err=True)
    return code
