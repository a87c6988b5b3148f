"""What pages say is recognised in every listed language, and quoting it is no sign."""

from __future__ import annotations

from pathlib import Path

import pytest

from archive.capture.classify import Seen, judge, judge_fault
from archive.capture.outcome import NetworkFault, Outcome, Sign
from archive.capture.phrases import PACKAGED, load_lists, plain, read_list
from archive.errors import PhraseListError

LONG = "The traveller wrote at length about the cotton fields and the railway. " * 20
LANGUAGES = {"en", "zh", "ar", "ru", "ug", "tr", "fa", "es", "fr"}


def seen(
    title: str = "A post", text: str = "Words of a post.", *, status: int = 200,
    asked: str = "https://site.example/post/1", final: str | None = None, html: str | None = None,
) -> Seen:  # fmt: skip
    page = html if html is not None else f"<html><title>{title}</title><p>{text}"
    return Seen(status, asked, final or asked, page, title, text)


def test_every_language_has_every_sign() -> None:
    for sign in Sign:
        assert {phrase.language for phrase in PACKAGED.of_sign[sign]} >= LANGUAGES, sign


@pytest.mark.parametrize("sign", list(Sign))
def test_every_phrase_is_recognised_as_title_and_on_a_short_page(sign: Sign) -> None:
    signs = {phrase.text: phrase.sign for phrase in PACKAGED.phrases}
    assert len(signs) == len(PACKAGED.phrases), "a phrase is listed twice"
    for phrase in PACKAGED.of_sign[sign]:
        for page in (seen(f"{phrase.text} | Site"), seen("Site", f"Sorry. {phrase.text}!")):
            judged = judge(page)
            assert judged.sign is not None, phrase
            assert judged.outcome is not Outcome.COMPLETE, phrase
            assert plain(judged.phrase) in plain(f"{page.title} {page.text}"), phrase
            assert judged.phrase in judged.reason


def test_quoting_a_phrase_is_no_sign() -> None:
    for phrase in PACKAGED.phrases:
        quoted = f"They told us: {phrase.text}. {LONG}"
        assert judge(seen(f"On the day they said {phrase.text} to all of us", quoted)).outcome is (
            Outcome.COMPLETE
        ), phrase
        short = f'<article><time datetime="2020-01-01">x</time><p>{phrase.text}</p>'
        assert judge(seen("A post", phrase.text, html=short)).outcome is Outcome.COMPLETE, phrase


@pytest.mark.parametrize(
    ("title", "sign"),
    [
        ("This Post isn’t available".replace("Post", "page"), Sign.TOMBSTONE),
        ("BU HESAP GİZLİ", Sign.PRIVATE),
        ("Hesap askıya alındı", Sign.SUSPENDED),
        ("عُذْرًا، هَذِهِ الصَّفْحَةُ غير متوفّرة".replace("متوفّرة", "متوفرة"), Sign.TOMBSTONE),
        ("این صفحه در دسترس نیست", Sign.TOMBSTONE),
        ("این صفحه در دسترس نيست", Sign.TOMBSTONE),
        ("Публикация УДАЛЕНА", Sign.TOMBSTONE),
        ("بۇ مەزمۇن ئۆچۈرۈلگەن", Sign.TOMBSTONE),
        ("该账号已被封禁", Sign.SUSPENDED),
        ("Just a moment…", Sign.CAPTCHA),
    ],
)
def test_spellings_meet(title: str, sign: Sign) -> None:
    assert judge(seen(title, "")).sign is sign


@pytest.mark.parametrize(
    ("asked", "final", "text", "sign"),
    [
        ("https://x.com/a/status/1", "https://x.com/i/flow/login?redirect_after_login=x", "", Sign.LOGIN),
        ("https://www.linkedin.com/posts/a", "https://www.linkedin.com/authwall?x=1", "", Sign.LOGIN),
        ("https://www.google.com/search?q=x", "https://www.google.com/sorry/index?continue=x", "", Sign.CAPTCHA),
        ("https://mp.weixin.qq.com/s/x", None, "微信 此内容因违规无法查看 由用户投诉并经平台审核" + "。" * 700, Sign.TOMBSTONE),
        ("https://vk.com/wall1_1", None, "Доступ к записи ограничен" + "." * 700, Sign.PRIVATE),
        ("https://x.com/i/flow/login", "https://x.com/i/flow/login", LONG, None),
        ("https://notx.com/a", "https://notx.com/i/flow/other", LONG, None),
    ],
)  # fmt: skip
def test_platforms(asked: str, final: str | None, text: str, sign: Sign | None) -> None:
    judged = judge(seen("A site", text or LONG, asked=asked, final=final))
    assert judged.sign is sign, judged


def test_a_status_decides_before_the_words() -> None:
    assert judge(seen(status=410)).outcome is Outcome.GONE
    assert judge(seen(status=403)).outcome is Outcome.BLOCKED
    assert judge(seen("Just a moment...", "", status=403)).sign is Sign.CAPTCHA
    private = judge(seen("该账号为私密账号", "", status=403))
    assert (private.outcome, private.sign) == (Outcome.BLOCKED, Sign.PRIVATE)
    assert "403" in private.reason
    assert judge(seen("This account is private", "", status=404)).sign is None
    assert judge_fault(NetworkFault.DNS, "no such host").fault is NetworkFault.DNS


def test_a_list_of_ones_own_adds_takes_away_and_names_its_version(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(
        'version = "own-1"\nwithout = ["Page not found"]\n'
        '[tombstone]\nkk = ["Бұл жазба жойылған"]\n'
        '[[platform]]\nhost = "site.example"\nsign = "private"\nwords = ["friends only"]\n',
        "utf-8",
    )
    lists = load_lists(tmp_path)
    assert lists.version == f"{PACKAGED.version}+own-1"
    judged = judge(seen("бұл жазба жойылған", ""), lists)
    assert (judged.sign, judged.phrase) == (Sign.TOMBSTONE, "Бұл жазба жойылған")
    assert judge(seen("Page not found", ""), lists).outcome is Outcome.COMPLETE
    assert judge(seen("Page not found", "")).outcome is Outcome.GONE
    found = judge(seen("A site", f"{'x ' * 400} friends only"), lists)
    assert (found.sign, found.outcome) == (Sign.PRIVATE, Outcome.BLOCKED)
    assert "site.example" in found.reason


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("x", "TOML"),
        ("[tombstone]\nen=['a phrase']", "version"),
        ("version='1'\n[tomb]\nen=['a phrase']", "no sign"),
        ("version='1'\n[tombstone]\nEnglish=['a phrase']", "no language"),
        ("version='1'\n[tombstone]\nen=['a']", "too short"),
        ("version='1'\n[tombstone]\nen='a phrase'", "list of phrases"),
        ("version='1'\n[[platform]]\nhost='X.com'\nsign='login'\npath='^/'", "small letters"),
        ("version='1'\n[[platform]]\nhost='x.com'\nsign='login'\npath='('", "path"),
        ("version='1'\n[[platform]]\nhost='x.com'\nsign='wall'\npath='x'", "`sign`"),
        ("version='1'\n[[platform]]\nhost='x.com'\nsign='login'", "at least one"),
        ("version='1'\n[[platform]]\nhost='x.com'\nsign='login'\nurl='x'", "not known"),
    ],
)
def test_a_list_that_cannot_be_read_says_where(text: str, word: str) -> None:
    with pytest.raises(PhraseListError, match=r"own\.toml") as caught:
        read_list("own.toml", text.encode())
    assert word in str(caught.value)
