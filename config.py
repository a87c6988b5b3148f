"""Every setting of Holdfast, in one frozen value read from the environment and a TOML file.

Order: the default, then the file named by ``--config`` or HOLDFAST_CONFIG, then the
environment (HOLDFAST_ and the setting's name in capitals), then the command line. Read by
entry points only; everything below them takes plain values.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

ENVIRONMENT_PREFIX: Final = "HOLDFAST_"
_NOT_SETTINGS: Final = frozenset({"HOLDFAST_CONFIG", "HOLDFAST_SHARED", "HOLDFAST_BOUNDED"})
_TRUE: Final = frozenset({"1", "yes", "true", "on"})
_FALSE: Final = frozenset({"0", "no", "false", "off", ""})


class ConfigError(Exception):
    """A setting is unknown, of the wrong type, or outside its range."""


def _setting(default: Any, doc: str, low: float | None = None, high: float | None = None) -> Any:
    return field(default=default, metadata={"doc": doc, "low": low, "high": high})


@dataclass(frozen=True, slots=True)
class Config:
    """What one running Holdfast was told."""

    home: Path = _setting(Path("holdfast-home"), "folder of the archive home")
    host: str = _setting("127.0.0.1", "address the web application listens on")
    port: int = _setting(5000, "TCP port of the web application", 0, 65535)
    threads: int = _setting(8, "web request threads", 1, 64)
    workers: int = _setting(2, "capture processes started by `serve`", 0, 32)
    engine: str = _setting("auto", "capture engine: auto, browser or http")
    browser: str = _setting("", "path of a Chromium; empty looks for one")
    capture_seconds: float = _setting(60.0, "time limit of one capture, seconds", 5, 3600)
    capture_bytes: int = _setting(
        2_000_000_000,
        "most bytes one capture may fetch; one body at most an eighth",
        1_000_000,
        50_000_000_000,
    )
    upload_bytes: int = _setting(
        2_000_000_000, "largest file taken by upload, bytes", 1_000_000, 1_000_000_000_000
    )
    import_memory: int = _setting(
        1_500_000_000, "address space of the process that reads an imported file, bytes",
        300_000_000, 64_000_000_000,
    )  # fmt: skip
    import_seconds: int = _setting(
        300, "computing time for reading one imported file, seconds; one more for every 2 MB",
        5, 86_400,
    )  # fmt: skip
    attempts: int = _setting(3, "times an interrupted capture is tried", 1, 20)
    retry_pause: float = _setting(
        60.0, "pause before a capture that found no answer is tried again, seconds", 0, 86400
    )
    host_delay: float = _setting(1.0, "pause between two captures of one host, seconds", 0, 600)
    guard_allow: str = _setting(
        "", "IP:port pairs let through although not public, comma-separated (the demo's site)"
    )
    session_hours: float = _setting(12.0, "life of a sign-in, hours", 0.05, 720)
    sign_in_minutes: float = _setting(60.0, "life of a one-time sign-in link, minutes", 1, 10080)
    sign_ins_per_minute: int = _setting(10, "sign-in attempts per minute and address", 1, 10000)
    behind_tls: bool = _setting(
        False, "a declared proxy in front serves TLS: secure cookies, other hosts allowed"
    )
    replay_folder: str = _setting(
        "", "folder of an unmodified ReplayWeb.page build (ui.js, sw.js); empty: none is offered"
    )
    replay_address: str = _setting(
        "http://replay.localhost:5001",
        "where browsers reach the replay host: a host name of its own, not the application's",
    )
    replay_port: int = _setting(5001, "TCP port the replay host listens on", 0, 65535)
    log_level: str = _setting("info", "debug, info, warning or error")

    def replaced(self, values: Mapping[str, object]) -> Config:
        """Return a copy with `values` (by setting name), each converted and checked.

        :raises ConfigError: a name is unknown or a value unfit
        """
        known = {item.name: item for item in fields(self)}
        changed = {name: getattr(self, name) for name in known}
        for name, value in values.items():
            if name not in known:
                raise ConfigError(
                    f"There is no setting {name!r}; the settings are {', '.join(sorted(known))}."
                )
            changed[name] = _converted(name, value, known[name].metadata, changed[name])
        return Config(**changed)


def load_config(environment: Mapping[str, str], file: Path | None = None) -> Config:
    """Read the file, then the environment, over the defaults.

    :param environment: as `os.environ`; only HOLDFAST_* is looked at
    :raises ConfigError: the file cannot be read, or a setting is unknown or unfit
    """
    named = environment.get("HOLDFAST_CONFIG", "")
    file = file or (Path(named) if named else None)
    config = Config()
    if file is not None:
        config = config.replaced(_read_file(file))
    from_environment = {
        name.removeprefix(ENVIRONMENT_PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(ENVIRONMENT_PREFIX) and name not in _NOT_SETTINGS
    }
    return config.replaced(from_environment)


def _read_file(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"The settings file {file} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"The settings file {file} is not TOML: {error}.") from error


def _converted(name: str, value: object, limits: Mapping[str, Any], default: object) -> object:
    converted: object
    try:
        if isinstance(default, bool):
            converted = _boolean(value)
        elif isinstance(default, int | float):
            converted = type(default)(str(value).replace("_", ""))
        elif isinstance(default, Path):
            converted = Path(str(value)).expanduser()
        else:
            converted = str(value)
    except ValueError as error:
        raise ConfigError(f"The setting {name} cannot be {value!r}: {error}.") from error
    low, high = limits["low"], limits["high"]
    if isinstance(converted, int | float) and low is not None and not low <= converted <= high:
        raise ConfigError(f"The setting {name} is {converted}; it must be from {low} to {high}.")
    return converted


def _boolean(value: object) -> bool:
    word = str(value).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError("say yes or no")
