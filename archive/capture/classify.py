"""Outcome of a capture from what came back: status, address, and the words on the page.

A page that says in its text that the post is gone is gone, though its status be 200; so the
phrases are listed here, with a version that goes into the provenance. Posts and articles quote
such phrases too: they count only where they are the title, or on a short page without a date.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from archive.capture.outcome import Outcome

PHRASES_VERSION: Final = "2026-11-24"
SHORT_TEXT: Final = 600  # characters; real posts around a quoted phrase are longer
TITLE_SLACK: Final = 15  # characters a part of the title may have beside the phrase
BARE_TEXT: Final = 300  # characters; with a password field, a page that asks to sign in

TOMBSTONES: Final = (
    "this post is unavailable",
    "this post is no longer available",
    "this post was deleted",
    "this post has been deleted",
    "this post was removed",
    "this post has been removed",
    "this post doesn't exist",
    "this tweet is unavailable",
    "this tweet was deleted",
    "this tweet is no longer available",
    "hmm...this page doesn't exist",
    "account suspended",
    "this account doesn't exist",
    "this account has been suspended",
    "sorry, this page isn't available",
    "this content isn't available",
    "this content is no longer available",
    "video unavailable",
    "this video isn't available",
    "this video is no longer available",
    "this video has been removed",
    "page not found",
    "内容已被删除",
    "内容已被发布者删除",
    "已被作者删除",
    "该内容已删除",
    "内容不存在",
    "页面不存在",
    "该视频已被删除",
    "视频不存在",
    "因违规无法查看",
    "страница не найдена",
    "запись удалена",
    "публикация удалена",
    "المحتوى غير متوفر",
    "تم حذف هذا المنشور",
)
LOGIN_WALLS: Final = (
    "log in to continue",
    "sign in to continue",
    "log in to see",
    "sign in to see",
    "you must log in",
    "you must be logged in",
    "please log in",
    "please sign in",
    "this account is private",
    "this video is private",
    "private video",
    "these posts are protected",
    "请先登录",
    "登录后查看",
    "登录后可见",
)
CAPTCHAS: Final = (
    "just a moment...",
    "attention required! | cloudflare",
    "verify you are human",
    "verify that you are human",
    "are you a robot",
    "i'm not a robot",
    "i am not a robot",
    "complete the captcha",
    "enter the characters you see",
    "unusual traffic from your computer network",
    "checking your browser before accessing",
    "安全验证",
    "请完成验证",
)
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


class NetworkFault(StrEnum):
    """Why no response came."""

    DNS = "dns"
    TLS = "tls"
    CONNECT = "connect"
    TIMEOUT = "timeout"
    PROTOCOL = "protocol"


@dataclass(frozen=True, slots=True)
class Judgement:
    """An outcome with its reason, a sentence part for people; empty only when complete."""

    outcome: Outcome
    reason: str = ""


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
    return Judgement(Outcome.FAILED, f"{fault}: {detail}")


def judge(seen: Seen) -> Judgement:
    """The outcome of a main response."""
    return (
        _by_captcha(seen)
        or _by_status(seen.status)
        or _by_words(seen)
        or _by_loss(seen)
        or Judgement(Outcome.COMPLETE)
    )


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


def _by_captcha(seen: Seen) -> Judgement | None:
    if seen.html is None or len(seen.text) > SHORT_TEXT:
        return None
    phrase = _phrase_in(CAPTCHAS, seen)
    mark = CAPTCHA_MARKS.search(seen.html) if len(seen.text) <= BARE_TEXT else None
    found = phrase or (mark and mark[0])
    if found is None:
        return None
    return Judgement(Outcome.BLOCKED, f"captcha or browser check: the page has “{found}”")


def _by_words(seen: Seen) -> Judgement | None:
    if seen.html is None:
        return None
    arrived, asked = urlsplit(seen.final_url).path, urlsplit(seen.requested_url).path
    if LOGIN_PATH.search(arrived) and not LOGIN_PATH.search(asked):
        return Judgement(Outcome.BLOCKED, f"login wall: sent on to {arrived}")
    if (phrase := _phrase_in(TOMBSTONES, seen)) is not None:
        return Judgement(Outcome.GONE, f"the page says “{phrase}”")
    if (phrase := _phrase_in(LOGIN_WALLS, seen)) is not None:
        return Judgement(Outcome.BLOCKED, f"login wall: the page says “{phrase}”")
    wants_password = len(seen.text) <= BARE_TEXT and PASSWORD_FIELD.search(seen.html)
    if wants_password and not LOGIN_PATH.search(asked):
        return Judgement(Outcome.BLOCKED, "login wall: little but a password field on the page")
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


def _phrase_in(phrases: tuple[str, ...], seen: Seen) -> str | None:
    title = _plain(seen.title)
    titles = [title, *TITLE_PARTS.split(title)]
    dated = seen.html is not None and DATED_POST.search(seen.html)
    text = "" if dated or len(seen.text) > SHORT_TEXT else _plain(seen.text)
    for phrase in phrases:
        room = len(phrase) + TITLE_SLACK
        if phrase in text or any(phrase in part and len(part) <= room for part in titles):
            return phrase
    return None


def _plain(text: str) -> str:
    return " ".join(text.replace("\u2019", "'").replace("\u2026", "...").lower().split())
