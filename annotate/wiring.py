"""What one running Holdfast is made of, put together in one place from its settings."""

from __future__ import annotations

import importlib
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from annotate.db import DATABASE_NAME, Database
from annotate.errors import EnvironmentMissingError, UsageError
from annotate.schema_version import is_current
from annotate.secret_files import SecretFiles
from annotate.services.phrase_lists import PhraseBook
from annotate.services.site_rules import SiteBook
from archive.capture.network import GuardPolicy
from archive.capture.sessions import SessionStore
from archive.identifiers import uuid7
from archive.store import Store
from config import Config

INSTANCE_FILE: Final = "instance-id"
WEB_KEY_FILE: Final = "keys/web-secret"
PRIVATE_FOLDERS: Final = ("sessions", "keys", "secrets")
OPEN_FOLDERS: Final = (
    "captures", "imports", "index", "quarantine", "renditions", "cache", "tmp", "phrases",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wiring:
    """The parts every view, command and worker shares."""

    config: Config
    home: Path
    database: Database
    store: Store
    instance: str  # pseudonymous id of this installation; the only name of it in a WARC
    policy: GuardPolicy

    phrases: PhraseBook  # what pages say when something is not there
    sites: SiteBook  # what is done on pages before they are kept

    @property
    def web_key(self) -> bytes:
        """The key that signs cookies and forms."""
        return (self.home / WEB_KEY_FILE).read_bytes()

    @property
    def secrets(self) -> SecretFiles:
        """Passwords of proxies."""
        return SecretFiles(self.home / "secrets")

    @property
    def sessions(self) -> SessionStore:
        """Cookies of capture sessions."""
        return SessionStore(self.home / "sessions")

    @property
    def index(self) -> Path:
        """Folder of the search index (derived; may be deleted)."""
        return self.home / "index"

    @property
    def temporary(self) -> Path:
        """Folder for what must not outlive an act; on the home's own file system."""
        return self.home / "tmp"


def make_home(config: Config) -> Wiring:
    """Make an archive home in an empty or absent folder, and open it.

    :raises UsageError: the folder has something in it
    """
    home = config.home
    if home.exists() and any(home.iterdir()):
        raise UsageError(f"The folder {home} is not empty; name a new one for the archive home.")
    for name in OPEN_FOLDERS:
        (home / name).mkdir(parents=True, exist_ok=True)
    for name in PRIVATE_FOLDERS:
        (home / name).mkdir(mode=0o700, exist_ok=True)
    secret = home / WEB_KEY_FILE
    secret.touch(mode=0o600)
    secret.write_bytes(secrets.token_bytes(32))
    importlib.import_module("archive.export.signing").package_key(home)
    database = Database(home)
    _bring_up_to_date(database)
    database.close()
    (home / INSTANCE_FILE).write_text(uuid7() + "\n", "ascii")  # last: a home is one that has it
    return open_home(config)


def open_home(config: Config) -> Wiring:
    """Open an archive home and bring its database up to date.

    :raises EnvironmentMissingError: there is no home, or it belongs to a newer Holdfast
    """
    home = config.home.resolve()
    if not (home / INSTANCE_FILE).is_file() or not (home / DATABASE_NAME).is_file():
        raise EnvironmentMissingError(
            f"There is no archive home in {home}. Make one with: holdfast --home {home} init"
        )
    database = Database(home)
    _bring_up_to_date(database)
    return Wiring(
        config=config,
        home=home,
        database=database,
        store=Store(home),
        instance=(home / INSTANCE_FILE).read_text("ascii").strip(),
        policy=guard_policy(config.guard_allow),
        phrases=PhraseBook(home / "phrases"),
        sites=SiteBook(home / "sites.toml"),
    )


def guard_policy(allowed: str) -> GuardPolicy:
    """Read "127.0.0.1:5055, …" into what the network guard lets through besides the public web.

    :raises UsageError: an entry is no IP address and port
    """
    pairs = set()
    for entry in filter(None, (part.strip() for part in allowed.split(","))):
        address, _, port = entry.rpartition(":")
        if not address or not port.isdigit():
            raise UsageError(f"guard_allow: {entry!r} is no IP address with a port.")
        pairs.add((address.strip("[]"), int(port)))
    return GuardPolicy(allowed=frozenset(pairs))


# Alembic and cryptography are loaded when a home is made or changed: every start and every
# import would else hold their 17 MB for nothing.
def _bring_up_to_date(database: Database) -> None:
    if not is_current(database.engine):
        importlib.import_module("annotate.migrate").migrate(database.engine)
