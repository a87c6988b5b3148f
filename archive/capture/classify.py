"""Outcome of a capture from what came back: status, address, and the words on the page.

A page that says in its text that the post is gone is gone, though its status be 200; the words
are data (`phrases`), with a version that goes into the provenance. Posts and articles quote such
words too: they count only where they are the title, or on a short page without a date.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from archive.capture.outcome import Judgement, NetworkFault, Outcome, Sign
from archive.capture.phrases import PACKAGED, Phrase, PhraseList, Platform, plain

__all__ = ["Judgement", "NetworkFault", "Seen", "judge", "judge_fault"]
SHORT_TEXT: Final = 600  # characters; real posts around a quoted phrase are longer
TITLE_SLACK: Final = 15  # characters a part of the title may have beside the phrase
BARE_TEXT: Final = 300  # characters; with a password field, a page that asks to sign in
MOST_MARKUP: Final = 3_000_000  # characters of markup that platform patterns look at

CAPTCHA_MARKS: Final = re.compile(
    r"g-recaptcha|h-captcha|cf-turnstile|cf-challenge|/cdn-cgi/challenge-platform/|geetest_",
)
PASSWORD_FIELD: Final = re.compile(r"""<input\b[^>]*\btype\s*=\s*["']?password\b""", re.IGNORECASE)
LOGIN_PATH: Final = re.compile(
    r"(?:^|/)(?:log-?in|sign-?in|authwall|checkpoint|i/flow/login|accounts/login)(?:[/.]|$)",
    re.IGNORECASE,
)
DATED_POST: Final = re.compile(r"<time\b|datePublished|article:published_time", re.IGNORECASE)
TITLE_PARTS: Final = re.compile(r" [|/·–—-] ")
SCRIPT: Final = re.compile(r"<script\b", re.IGNORECASE)

BLOCKED_STATUS: Final = {
    401: "the server wants a sign-in (401)",
    403: "the server forbids it (403)",
    407: "a proxy wants a sign-in (407)",
    429: "too many requests (429)",
    451: "unavailable for legal reasons (451)",
    999: "the server turns away automated requests (999)",
}
GONE_STATUS: Final = {404: "not found (404)", 410: "gone (410)"}
_BEGINS: Final = {
    Sign.TOMBSTONE: "",
    Sign.SUSPENDED: "account suspended: ",
    Sign.PRIVATE: "private: ",
    Sign.LOGIN: "login wall: ",
    Sign.CAPTCHA: "captcha or browser check: ",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What the main response showed, in plain values."""

    status: int
    requested_url: str
    final_url: str
    html: str | None
    """None where the response is no HTML."""
    title: str
    text: str
    truncated: str | None = None
    """As in WARC-Truncated."""
    losses: int = 0
    """Parts of the page that did not come, or not whole, for the network or a limit."""


def judge_fault(fault: NetworkFault, detail: str) -> Judgement:
    """The outcome where no response came.

    >>> judge_fault(NetworkFault.DNS, "no such host").reason
    'dns: no such host'
    """
    return Judgement(Outcome.FAILED, f"{fault}: {detail}", fault=fault)


def judge(seen: Seen, phrases: PhraseList = PACKAGED) -> Judgement:
    """The outcome of a main response, by these lists of what pages say."""
    page = _Page(seen, phrases)
    return (
        page.platform(Sign.CAPTCHA)
        or page.captcha()
        or page.status()
        or page.platform(*Sign)
        or page.words()
        or _by_loss(seen)
        or Judgement(Outcome.COMPLETE)
    )


class _Page:
    """A page under the lists."""

    def __init__(self, seen: Seen, phrases: PhraseList) -> None:
        self._seen = seen
        self._lists = phrases
        self._arrived = urlsplit(seen.final_url)
        self._asked = urlsplit(seen.requested_url)
        title = plain(seen.title)
        self._titles = [title, *TITLE_PARTS.split(title)]
        dated = seen.html is not None and DATED_POST.search(seen.html)
        self._short = "" if dated or len(seen.text) > SHORT_TEXT else plain(seen.text)

    def platform(self, *signs: Sign) -> Judgement | None:
        """Judge by the rules of the host that answered."""
        host = self._arrived.hostname or ""
        for rule in self._lists.platforms:
            if rule.sign in signs and rule.fits(host) and (why := self._holds(rule)):
                begin = _BEGINS[rule.sign]
                reason = f"{begin}{why} (known of {rule.host})"
                return Judgement(rule.sign.outcome, reason, rule.sign, why)
        return None

    def captcha(self) -> Judgement | None:
        """Judge by what asks whether we are a person; it comes before the status."""
        seen = self._seen
        if seen.html is None or len(seen.text) > SHORT_TEXT:
            return None
        phrase = self._found(self._lists.of_sign[Sign.CAPTCHA])
        if phrase is not None:
            return _says(phrase)
        mark = CAPTCHA_MARKS.search(seen.html) if len(seen.text) <= BARE_TEXT else None
        if mark is None:
            return None
        reason = f"{_BEGINS[Sign.CAPTCHA]}the page has “{mark[0]}”"
        return Judgement(Outcome.BLOCKED, reason, Sign.CAPTCHA, mark[0])

    def status(self) -> Judgement | None:
        """Judge by the status; what the page says beside it tells private from forbidden."""
        judged = _by_status(self._seen.status)
        if judged is None or judged.outcome not in {Outcome.GONE, Outcome.BLOCKED}:
            return judged
        said = next(filter(None, (self._found(self._lists.of_sign[sign]) for sign in Sign)), None)
        if said is None or said.sign.outcome is not judged.outcome:
            return judged
        reason = f"{judged.reason}, and the page says “{said.shown}”"
        return Judgement(judged.outcome, reason, said.sign, said.shown)

    def words(self) -> Judgement | None:
        """Judge by where we were sent, and by what the page says."""
        seen = self._seen
        if seen.html is None:
            return None
        path = self._arrived.path
        asked_for_login = LOGIN_PATH.search(self._asked.path)
        if LOGIN_PATH.search(path) and not asked_for_login:
            return Judgement(
                Outcome.BLOCKED, f"login wall: sent on to {path}", Sign.LOGIN, f"sent on to {path}"
            )
        for sign in (Sign.TOMBSTONE, Sign.SUSPENDED, Sign.PRIVATE, Sign.LOGIN):
            phrase = self._found(self._lists.of_sign[sign])
            if phrase is not None:
                return _says(phrase)
        wants_password = len(seen.text) <= BARE_TEXT and PASSWORD_FIELD.search(seen.html)
        if wants_password and not asked_for_login:
            field = "little but a password field on the page"
            return Judgement(Outcome.BLOCKED, f"login wall: {field}", Sign.LOGIN, field)
        return None

    def _found(self, phrases: Iterable[Phrase]) -> Phrase | None:
        for phrase in phrases:
            room = len(phrase.text) + TITLE_SLACK
            if phrase.text in self._short or any(
                phrase.text in part and len(part) <= room for part in self._titles
            ):
                return phrase
        return None

    def _holds(self, rule: Platform) -> str:
        """Return what of the page fits the rule; empty where a condition does not hold."""
        seen, why = self._seen, []
        if rule.path is not None:
            if not rule.path.search(_path(self._arrived)) or rule.path.search(_path(self._asked)):
                return ""  # asked for by its address, such a page is what was wanted
            why.append(f"sent on to {self._arrived.path}")
        if rule.words:
            text = plain(f"{seen.title} {seen.text}") if len(seen.text) <= rule.most else ""
            found = next((shown for one, shown in rule.words if one in text), None)
            if found is None:
                return ""
            why.append(f"the page says “{found}”")
        if rule.html is not None:
            match = rule.html.search((seen.html or "")[:MOST_MARKUP])
            if match is None:
                return ""
            why.append(f"the page has “{match[0][:80]}”")
        return ", ".join(why)


def _says(phrase: Phrase) -> Judgement:
    sign = phrase.sign
    reason = f"{_BEGINS[sign]}the page says “{phrase.shown}”"
    return Judgement(sign.outcome, reason, sign, phrase.shown)


def _path(parts: SplitResult) -> str:
    return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"


def _by_status(status: int) -> Judgement | None:
    if status in GONE_STATUS:
        return Judgement(Outcome.GONE, GONE_STATUS[status])
    if status in BLOCKED_STATUS:
        return Judgement(Outcome.BLOCKED, BLOCKED_STATUS[status])
    if status >= 500:
        return Judgement(Outcome.FAILED, f"http5xx: the server answered {status}")
    if not 200 <= status < 300:
        return Judgement(Outcome.FAILED, f"http: the server answered {status}")
    return None


def _by_loss(seen: Seen) -> Judgement | None:
    if seen.truncated is not None:
        return Judgement(Outcome.PARTIAL, f"the response broke off ({seen.truncated})")
    if seen.html is not None and not seen.text.strip() and SCRIPT.search(seen.html):
        return Judgement(
            Outcome.PARTIAL, "no words without scripts: capture this page with a browser"
        )
    if seen.losses:
        noun = "part" if seen.losses == 1 else "parts"
        return Judgement(Outcome.PARTIAL, f"{seen.losses} {noun} of the page did not come whole")
    return None
