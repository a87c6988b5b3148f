"""What the columns of a list of accounts hold, guessed from their names; accounts in addresses."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from annotate.errors import UsageError
from annotate.services.folding import fold
from annotate.services.lists import ListFile

IGNORE: Final = ""
PROFILE: Final = "profile"
PLATFORM: Final = "platform"
HANDLE: Final = "handle"
LABEL: Final = "label"
CATEGORY: Final = "category"
ENTITY: Final = "entity"
OWNER: Final = "owner"
NAMES: Final = "names"
CONTROL: Final = "control"
BASIS: Final = "basis"
STATEMENT: Final = "statement"
WORDS: Final = {
    PROFILE: "the address of an account",
    HANDLE: "the handle of an account",
    PLATFORM: "its platform",
    LABEL: "the name the account shows",
    CATEGORY: "what it is",
    ENTITY: "the entity behind it",
    OWNER: "who owns that entity",
    NAMES: "further names, with ; between them",
    CONTROL: "whether it is state-controlled",
    BASIS: "the basis of what is said",
    STATEMENT: "something said of it, under the column’s name",
}
# Names of columns, folded; a column that ends in "link" or "url" and names a platform is a profile.
_NAMED: Final = {
    PLATFORM: {"platform", "network", "site", "平台"},
    HANDLE: {"handle", "account", "username", "screen name", "user", "账号"},
    LABEL: {"label", "name", "display name", "名称"},
    CATEGORY: {"category", "kind", "type", "类别"},
    ENTITY: {"entity", "main assets", "outlet", "organisation", "organization", "机构"},
    OWNER: {"owner", "media company", "parent", "owned by", "主管"},
    NAMES: {"names", "other names", "aliases"},
    CONTROL: {"state_controlled", "state-controlled", "state controlled", "controlled"},
    BASIS: {"basis", "依据"},
    STATEMENT: {"typology", "country", "region", "status"},
}
_PLATFORMS: Final = {
    "twitter.com": "twitter", "x.com": "twitter", "instagram.com": "instagram",
    "facebook.com": "facebook", "fb.com": "facebook", "youtube.com": "youtube",
    "youtu.be": "youtube", "t.me": "telegram", "telegram.me": "telegram", "vk.com": "vk",
    "linkedin.com": "linkedin", "ok.ru": "ok", "tiktok.com": "tiktok", "rutube.ru": "rutube",
    "weibo.com": "weibo", "douyin.com": "douyin", "bilibili.com": "bilibili",
}  # fmt: skip
_LINK: Final = re.compile(r"(link|url)$")
_ROOMS: Final = frozenset(
    {"c", "channel", "user", "company", "in", "pages", "people", "groups", "group", "profile", "s"}
)


def guess_columns(table: ListFile) -> dict[str, str]:
    """Propose what each column holds."""
    found: dict[str, str] = {}
    for column in table.header:
        name = fold(column).replace("_", " ")
        named = next(
            (target for target, names in _NAMED.items() if name in names or fold(column) in names),
            IGNORE,
        )
        if (
            not named
            and _LINK.search(name)
            and any(name.startswith(word) for word in _PLATFORMS.values())
        ):
            named = PROFILE
        several = named in {PROFILE, STATEMENT, IGNORE}
        found[column] = named if several or named not in found.values() else IGNORE
    return found


def read_profile(address: str) -> tuple[str, str, str]:
    """Read the platform and handle out of the address of an account; return them with it.

    :raises UsageError: the address names no account
    """
    text = address if "//" in address else f"https://{address}"
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").lower()
    except ValueError as error:
        raise UsageError(f"No account: {address!r} is no address.") from error
    for prefix in ("www.", "m.", "mobile.", "web.", "ru-ru.", "en-gb."):
        host = host.removeprefix(prefix)
    platform = next(
        (name for known, name in _PLATFORMS.items() if host == known or host.endswith(f".{known}")),
        host,
    )
    steps = [unquote(step) for step in parts.path.split("/") if step]
    while len(steps) > 1 and steps[0].lower() in _ROOMS:
        steps.pop(0)
    handle = (steps[0] if steps else "").removeprefix("@")
    if handle == "profile.php":
        handle = next(iter(parse_qs(parts.query).get("id", [])), "")
    if not host or "." not in host or not handle:
        raise UsageError(f"No account: {address!r} names none.")
    return platform, handle, address
