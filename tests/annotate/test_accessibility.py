"""axe finds nothing to object to on any page, light and dark, wide and narrow (WCAG 2.2 AA)."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from datetime import date

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import PASSWORD
from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.events import Actor
from annotate.instrument import table
from annotate.jobs import importing
from annotate.jobs.likening import liken_some
from annotate.models import (
    Assignment,
    Capture,
    CaptureRequest,
    CodebookVersion,
    CodingRound,
    CommentOn,
    EntryKind,
    ImportFile,
    ImportState,
    Item,
    MemoKind,
    NameKind,
    Project,
    Role,
    Verdict,
)
from annotate.services import (
    codebooks,
    comments,
    memos,
    people,
    projects,
    rounds,
    screening,
    sensitive,
    sweeps,
)
from annotate.services.comments import Subject
from annotate.services.registry import assertions, entries, relations
from annotate.services.registry.evidence import Evidence
from annotate.wiring import Wiring
from archive.capture.browsers import find_browser
from tests.serving import serving

PAGES = {
    f"https://example.org/{n}": f"<html lang=zh><title>Post {n} 棉花</title><p>新疆棉花 {n} القطن</html>"
    for n in range(4)
}
BOOK = (
    "variable,variable_label,type,only_if,code,keystroke\n"
    "include,算吗؟,boolean,,,\nframe,Which story?,nominal,include=yes,food,f\nframe,,,,denial,d\n"
)
SAVED = (
    "<!DOCTYPE html><html lang=ar><!--\n Page saved with SingleFile\n url: https://s.example/1\n"
    " saved date: Tue Mar 05 2024 10:20:30 GMT+0530 (IST)\n--><meta charset=utf-8>"
    "<title>عنوان الصفحة المحفوظة</title><p>نص محفوظ</html>"
)
MARKS = {
    "@context": "http://www.w3.org/ns/anno.jsonld",
    "id": "https://elsewhere.example/1",
    "type": "Annotation",
    "body": {"type": "TextualBody", "value": "сказано здесь"},
    "target": {
        "source": next(iter(PAGES)),
        "selector": {"type": "TextQuoteSelector", "exact": "新疆棉花"},
    },
}
LONG_NAME = "Конституционно-Демократическая Организация 新疆维吾尔自治区 مركز التوثيق"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


@pytest.fixture
def served(app: Flask) -> Iterator[str]:
    with serving(app) as address:
        yield address


@pytest.fixture
def addresses(
    wiring: Wiring, project: Project, capture: Callable, in_process: None
) -> dict[str, list[str]]:
    """Every page there is to see, by who looks at it."""
    capture(PAGES)
    brought = bring_in(wiring, project)
    while liken_some(wiring):
        pass
    with wiring.database.write() as session:
        owner = people.find_user(session, "owner")
        actor = people.actor_of(owner)
        held = projects.find_project(session, "study")
        version = codebooks.create(session, actor, held, table.read_table("Frames", BOOK))
        codebooks.freeze(session, actor, held, version)
        found = list(session.scalars(select(Item.id)))
        coders = [people.find_user(session, one) for one in ("coder", "manager")]
        for name, seed in (("Blind", 1), ("Revealed", 2)):
            plan = rounds.Plan(name, "", 0, seed, 2, coders)
            opened = rounds.open_round(session, actor, held, version, plan, found)
        rounds.reveal(session, actor, held, opened)
        registered = register(session, actor, held, found[0])
        sweep = sweeps.create(session, actor, held, sweeps.SweepSpec("搜索", seen=9)).id
        digest = screening.digest_of(found[:2])
        said = screening.Said(Verdict.EXCLUDED, "没有 وجه")
        act = screening.screen_many(session, actor, held, found[:2], said, query="", shown=digest)
        named = people.create_user(session, actor, login="long", display_name=LONG_NAME)
        projects.set_member(session, actor, held, named, Role.CODER)
        codebooks.begin_next(session, actor, held, version, "the pilot")
        memo = plant_talk(session, held, session.get_one(Item, found[0]))
        sensitive.mark(session, actor, held, session.get_one(Item, found[0]), "دم 血")
    with wiring.database.read() as session:
        item = found[0]
        taken = session.scalars(select(Capture.id)).first()
        asked = session.scalars(select(CaptureRequest.id)).first()
        versions = session.scalars(select(CodebookVersion.id)).all()
        opened_rounds = session.scalars(select(CodingRound.id)).all()
        coder = people.find_user(session, Role.CODER.value)
        unit = session.scalars(select(Assignment.id).where(Assignment.coder_id == coder.id)).first()
    study = "/p/study"
    pages = ["/", f"{study}/", f"{study}/?q=棉花", f"{study}/queue", f"{study}/same", f"{study}/lists",
             f"{study}/imports", f"{study}/results", f"{study}/settings", f"{study}/tokens",
             f"{study}/codebooks", f"{study}/exchange", f"{study}/data", f"{study}/rounds", "/people", "/me",
             f"{study}/items/{item}/highlights", f"{study}/queue/{asked}", f"{study}/searches",
             f"{study}/watching", f"{study}/package", f"{study}/fixity", f"{study}/sensitive", f"{study}/memos", f"{study}/items/{item}/compare",
             f"{study}/history",
             f"/c/{taken}/recorded", f"/c/{taken}/missing", f"/c/{taken}/records/0",
             f"/c/{taken}/records"]  # fmt: skip
    marked = f"{study}/items/{item}/highlights?on="
    pages += [f"{study}/highlights", *(marked + on for on in ("page", "pictures", "films"))]
    pages += [
        f"{study}/items/{item}?tab={tab}" for tab in ("evidence", "text", "provenance", "history")
    ]
    pages += [f"{study}/codebooks/{one}{tab}" for one in versions for tab in ("", "/recoding")]
    pages += [f"{study}/rounds/{one}{tab}" for one in opened_rounds for tab in ("", "/workload")]
    pages.append(f"{study}/rounds/{opened.id}/settle")
    pages += [f"{study}/memos/{memo}", f"{study}/comments", f"{study}/comments/item/{item}"]
    pages.append(f"{study}/for-you")
    pages += [f"{study}/registry", f"{study}/registry/{registered}", f"{study}/relation-types", f"{study}/differences", f"{study}/network", f"{study}/registry-lists",
              f"{study}/sweeps", f"{study}/sweeps/{sweep}",
              f"{study}/items/{item}/relations"]  # fmt: skip
    pages += [f"{study}/screening{tab}" for tab in ("", "?q=棉花", "/many?q=", "/acts")]
    pages.append(f"{study}/screening/acts/{act.id}")
    pages += [f"{study}/imports/{one}" for one in brought]
    return {"owner": pages, "coder": [f"{study}/coding", f"{study}/coding/unit/{unit}"]}


def bring_in(wiring: Wiring, project: Project) -> list[str]:
    """Leave a saved page and annotations of another program to be decided on; return their ids."""
    with wiring.database.read() as session:
        actor = people.actor_of(people.find_user(session, "owner"))
    files = {"صفحة.html": SAVED, "marks.jsonld": json.dumps(MARKS)}
    made = [
        importing.bring(
            wiring, actor, project.id, name, io.BytesIO(words.encode()), limit=10**6, note="من صديق"
        )
        for name, words in files.items()
    ]
    importing.work_off(wiring)
    with wiring.database.read() as session:
        states = {session.get_one(ImportFile, one.id).state for one in made}
    assert states == {ImportState.FOUND}
    return [one.id for one in made]


def register(session: Session, actor: Actor, held: Project, item_id: str) -> str:
    """Write an account with all there is to say of one; return its id."""
    spec = entries.EntrySpec(EntryKind.ACCOUNT, label="شىنخۇا", platform="微博", handle="xinhua")
    account = entries.create(session, actor, held, spec)
    entries.add_name(session, actor, held, account, name="新华社", kind=NameKind.OWN)
    entries.add_handle(session, actor, held, account, handle="old", valid_to=date(2020, 1, 1))
    item = session.get_one(Item, item_id)
    for value in ("yes", "no"):
        said = assertions.AssertionSpec(assertions.CONTROLLED, value, "所有权")
        assertions.state(session, actor, held, account, said, Evidence(item))
    body = entries.create(session, actor, held, entries.EntrySpec(EntryKind.ENTITY, label="部委"))
    for kind, subject, other in (
        ("belongs-to", account, body),
        ("promotes", item, account),
    ):
        spec = relations.RelationSpec(kind, subject, other, quote="القطن")
        relations.relate(session, actor, held, spec, Evidence(item, provenance="ملاحظة"))
    return account.id


def plant_talk(session: Session, held: Project, item: Item) -> str:
    """A thread with an answer, one that is settled, and a memo with two versions and a link."""
    owner, manager = (
        people.actor_of(people.find_user(session, one)) for one in ("owner", "manager")
    )
    subject = Subject(CommentOn.ITEM, item.id, item_id=item.id)
    said = comments.add(session, manager, held, subject, "@owner قالها 说了", question=True)
    comments.reply(session, owner, held, said, "نعم", sealed=False)
    settled = comments.add(session, manager, held, subject, "@owner done?")
    comments.resolve(session, owner, held, settled, sealed=False, back=False)
    memo = memos.create(session, owner, held, MemoKind.METHOD, "كيف 如何", "一")
    memos.edit(session, owner, held, memo, "كيف 如何", "二", seen=1)
    memos.link_item(session, owner, held, memo, item)
    return memo.id


def sign_in(
    browser: Browser, served: str, login: str, *, dark: bool, width: int, locale: str = "en"
) -> Page:
    context = browser.new_context(
        bypass_csp=True,
        locale=locale,
        color_scheme="dark" if dark else "light",
        viewport={"width": width, "height": 900},
    )
    page = context.new_page()
    page.goto(f"{served}/sign-in")
    page.locator("input[name=login]").fill(login)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("main button").click()
    return page


@pytest.mark.browser
@pytest.mark.timeout(900)  # some sixty pages, each read by axe
@pytest.mark.parametrize(("dark", "width"), [(False, 1280), (True, 320)])
def test_axe_finds_nothing(
    served: str, addresses: dict[str, list[str]], dark: bool, width: int
) -> None:
    found: list[str] = []
    axe = Axe()
    binary = str(find_browser(None))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=binary, args=["--no-sandbox", "--disable-gpu"]
        )
        for login, pages in addresses.items():
            page = sign_in(browser, served, login, dark=dark, width=width)
            for address in pages:
                answer = page.goto(served + address, wait_until="domcontentloaded")
                assert answer is not None
                assert answer.status == 200, address
                for one in axe.run(page, options=RULES).response["violations"]:
                    nodes = "; ".join(node["html"][:160] for node in one["nodes"][:3])
                    found.append(f"{address}: {one['id']}: {nodes}")
                wide = page.evaluate("document.documentElement.scrollWidth")
                if wide > width + 1:
                    found.append(f"{address}: {wide} px wide on a screen of {width}")
        browser.close()
    assert not found, "\n".join(found)


# Controls that lie outside of the screen, but for those in something that scrolls, and those whose
# own words do not fit into them.
CUT_OFF = """() => {
  const scrolls = (one) => one && (/(auto|scroll)/.test(getComputedStyle(one).overflowX)
    || scrolls(one.parentElement));
  const told = [];
  for (const one of document.querySelectorAll("button, a, input, select, textarea, summary")) {
    if (!one.checkVisibility() || one.closest(".hidden-words, .skip")) continue;
    const box = one.getBoundingClientRect();
    if (box.width === 0 || box.bottom < 0) continue;
    const words = (one.textContent || one.name).trim().slice(0, 40);
    if ((box.left < -1 || box.right > innerWidth + 1) && !scrolls(one.parentElement)) {
      told.push("outside: " + words);
    }
    if (one.matches("button, .button") && one.scrollWidth > one.clientWidth + 1) {
      told.push("cut: " + words);
    }
  }
  return told;
}"""


@pytest.mark.browser
@pytest.mark.parametrize(("locale", "direction"), [("ar", "rtl"), ("zh", "ltr")])
def test_no_control_is_cut_off_in_arabic_and_chinese(
    served: str, addresses: dict[str, list[str]], locale: str, direction: str
) -> None:
    found: list[str] = []
    binary = str(find_browser(None))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=binary, args=["--no-sandbox", "--disable-gpu"]
        )
        for login, pages in addresses.items():
            page = sign_in(browser, served, login, dark=False, width=320, locale=locale)
            for address in pages:
                page.goto(served + address, wait_until="domcontentloaded")
                html = page.locator("html")
                assert (html.get_attribute("lang"), html.get_attribute("dir")) == (
                    locale, direction,
                ), address  # fmt: skip
                found += [f"{address}: {one}" for one in page.evaluate(CUT_OFF)]
                wide = page.evaluate("document.documentElement.scrollWidth")
                if wide > 321:
                    found.append(f"{address}: {wide} px wide on a screen of 320")
        browser.close()
    assert not found, "\n".join(found)
