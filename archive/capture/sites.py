"""What is done on a page before it is kept: data, versioned, to be extended by a person.

data/sites.toml comes with Holdfast; HOME/sites.toml is laid over it. docs/behaviours.md
describes the format.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

from archive.errors import SiteRulesError

RULES_FILE: Final = Path(__file__).parent / "data" / "sites.toml"
_ABOUT: Final = frozenset({"hosts"})
_LIMITS: Final = {
    "scroll_steps": (0, 500),
    "presses": (0, 500),
    "films": (0, 50),
    "settle": (0.5, 120.0),
    "wait": (0.0, 120.0),
}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What is done on one page; all of it is written into the provenance."""

    scroll_steps: int = 8
    """Screens scrolled down at most."""
    presses: int = 30
    """Buttons pressed and details unfolded at most."""
    films: int = 3
    """Films started at most, without sound."""
    settle: float = 6.0
    """Seconds waited at most for quiet after the page has loaded."""
    wait: float = 0.0
    """Seconds waited in any case, for pages that fall quiet before they are done."""
    words: tuple[str, ...] = ()
    """Buttons with these words are pressed; # stands for a number."""
    click: tuple[str, ...] = ()
    """CSS selectors of what is pressed whatever it says."""
    rule: str = ""
    """The host whose rule this is; empty for the default."""

    def as_json(self) -> dict[str, object]:
        """For the provenance: everything but the list of words, which the version names."""
        return {k: v for k, v in asdict(self).items() if k != "words"}


@dataclass(frozen=True, slots=True)
class SiteRules:
    """The default and the rules of single hosts, later ones over earlier ones."""

    version: str
    default: Behaviour
    sites: tuple[tuple[str, Mapping[str, Any]], ...] = ()

    def of(self, host: str) -> Behaviour:
        """What is done on a page of `host`: the default, changed by each rule that fits.

        A rule of ``example.org`` also fits ``www.example.org``. Words are added to the
        default's; everything else replaces it.
        """
        made = self.default
        for name, changes in self.sites:
            if host == name or host.endswith(f".{name}"):
                more = dict(changes)
                words = (*made.words, *more.pop("words", ()))
                made = replace(made, words=words, rule=name, **more)
        return made

    def over(self, below: SiteRules) -> SiteRules:
        """Lay these rules over others."""
        plain = Behaviour()
        own = {
            item.name: getattr(self.default, item.name)
            for item in fields(Behaviour)
            if getattr(self.default, item.name) != getattr(plain, item.name)
        }
        words = (*below.default.words, *own.pop("words", ()))
        return SiteRules(
            f"{below.version}+{self.version}",
            replace(below.default, words=words, **own),
            (*below.sites, *self.sites),
        )


def read_rules(name: str, data: bytes) -> SiteRules:
    """Read a file of rules.

    :raises SiteRulesError: it is not of the format; the message names the place
    """
    try:
        table = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SiteRulesError(f"{name} is not TOML in UTF-8: {error}.") from error
    unknown = table.keys() - {"version", "default", "site"}
    if unknown:
        raise SiteRulesError(f"{name} has the unknown part {min(unknown)!r}.")
    version = table.get("version")
    if not isinstance(version, str) or not version.strip():
        raise SiteRulesError(f'{name} needs a line version = "…", any words that name this state.')
    default = replace(Behaviour(), **_changes(name, "default", table.get("default", {})))
    sites: list[tuple[str, Mapping[str, Any]]] = []
    for number, rule in enumerate(table.get("site", []), 1):
        place = f"site {number}"
        hosts = rule.get("hosts") if isinstance(rule, dict) else None
        if not _texts(hosts) or not hosts:
            raise SiteRulesError(f'{name}, {place}: say hosts = ["example.org"].')
        changes = _changes(name, place, {k: v for k, v in rule.items() if k not in _ABOUT})
        sites += [(host.lower().removeprefix("www."), changes) for host in hosts]
    return SiteRules(version, default, tuple(sites))


def load_rules(own: Path | None) -> SiteRules:
    """The packaged rules, with a person's own file over them where there is one.

    :raises SiteRulesError: the file is not of the format, or cannot be read
    """
    if own is None or not own.exists():
        return PACKAGED_RULES
    try:
        data = own.read_bytes()
    except OSError as error:
        raise SiteRulesError(f"{own} cannot be read: {error.strerror}.") from error
    return read_rules(own.name, data).over(PACKAGED_RULES)


def _changes(name: str, place: str, table: Mapping[str, Any]) -> dict[str, Any]:
    known = {item.name for item in fields(Behaviour)} - {"rule"}
    made: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            raise SiteRulesError(
                f"{name}, {place}: there is no {key!r}; known are {', '.join(sorted(known))}."
            )
        made[key] = _value(f"{name}, {place}, {key}", key, value)
    return made


def _value(where: str, key: str, value: Any) -> Any:
    if key in {"words", "click"}:
        if not _texts(value):
            raise SiteRulesError(f"{where}: it takes a list of words in quotation marks.")
        return tuple(text.lower() if key == "words" else text for text in value)
    low, high = _LIMITS[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise SiteRulesError(f"{where}: it takes a number from {low:g} to {high:g}.")
    if isinstance(low, int) and not isinstance(value, int):
        raise SiteRulesError(f"{where}: it takes a whole number.")
    return value


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) and text for text in value)


PACKAGED_RULES: Final = read_rules(RULES_FILE.name, RULES_FILE.read_bytes())
