"""Lists of addresses: mapped, looked at, imported; what is wrong is named by its line."""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from conftest import send
from flask.testing import FlaskClient
from openpyxl import Workbook
from sqlalchemy import func, select

from annotate.errors import UsageError
from annotate.models import FieldValue, Item, Project
from annotate.services import lists, people, projects
from annotate.services.fields import fields_of
from annotate.services.written_dates import as_iso
from annotate.services.zones import parse_zone
from annotate.wiring import Wiring

GOOD = "URL;Author;Posted at;promotes\nhttp://s.example/1;@a;2020-05-31T23:30:00-05:00;x;y\n"
ROWS = (
    "url,author,posted_at,promotes,author_state_controlled\n"
    "/a/1,one,2020-05-31T23:30:00-05:00,x;y,yes\n"
    "/a/2,two,2020-05-31T23:30:00,x,yes\n"
    "/a/3,three,2020-05-31,,perhaps\n"
    "ftp://s.example/4,four,2020-05-31,,no\n"
    "/a/5,five,2020-02-30,,no\n"
    "/a/6,six\n"
    "/a/7,七,2020-05-31,x,no\n"
)


def read(name: str, data: bytes, **chosen: str) -> lists.ListFile:
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return lists.read_list(name, Path(file.name), **chosen)


def report(wiring: Wiring, text: str, *, dry_run: bool = False) -> lists.ListReport:
    table = read("list.csv", text.encode())
    with wiring.database.write() as session:
        project = projects.find_project(session, "study")
        owner = people.actor_of(people.find_user(session, "owner"))
        mapping = lists.guess_mapping(table, fields_of(session, project.id))
        return lists.import_list(
            session, owner, project, table, mapping,
            base_address="http://s.example", dry_run=dry_run,
        )  # fmt: skip


def test_faults_are_named_by_line_and_the_rest_comes_in(wiring: Wiring, project: Project) -> None:
    looked = report(wiring, ROWS, dry_run=True)
    done = report(wiring, ROWS)
    assert (looked.new_items, done.new_items, done.queued) == (2, 2, 2)
    told = {fault.line: fault.reason for fault in done.faults}
    assert set(told) == {3, 4, 5, 6, 7}
    assert "no time zone" in told[3]
    assert "neither yes nor no" in told[4]
    assert "http://" in told[5]
    assert "no date" in told[6]
    assert "2 cells" in told[7]
    assert lists.faults_csv(read("x.csv", ROWS.encode()), done.faults).count("\n") == 6


def test_a_second_run_adds_nothing(wiring: Wiring, project: Project) -> None:
    report(wiring, ROWS)
    again = report(wiring, ROWS)
    assert (again.new_items, again.changed_values, again.queued) == (0, 0, 0)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "empty"),
        (b"\xff\xfe\x00", "do not fit"),
        (b"PK\x03\x04\x00\x00", "cannot be unpacked"),
        (b"a\x00b,c\nd,e\n", "no list has"),
        (b"%PDF-1.7 x", "imported under Imports"),
        (b"a,a\n1,2\n", "same name"),
        (b'a,b\n"open', "no CSV"),
    ],
)
def test_a_file_that_is_no_list_imports_nothing(data: bytes, fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        read("x.csv", data)


def test_through_the_page(sign_in: Callable[[str], FlaskClient]) -> None:
    manager = sign_in("manager")
    file = (io.BytesIO(b"\xef\xbb\xbf" + ROWS.encode()), "liste 名单.csv")
    answer = send(manager, "/me", "/p/study/lists", file=file)
    assert answer.status_code == 302
    action = answer.location.partition("?")[0]
    page = manager.get(answer.location).text
    assert "Line 3" in page
    assert manager.get("/p/study/queue.json").json["total"] == 0
    form = {
        f"column-{at}": key
        for at, key in enumerate(
            ["address", "author", "posted_at", "promotes", "author_state_controlled"]
        )
    }
    form |= {"name": "liste 名单.csv", "base": "http://s.example", "capture": "yes"}
    form |= {"encoding": "utf-8-sig", "was_encoding": "utf-8-sig"}
    done = send(manager, "/me", action, act="import", **form)
    assert "5 rows were skipped" in done.text
    queue = manager.get("/p/study/queue.json").json
    assert (queue["total"], queue["waiting"]) == (2, 2)
    skipped = manager.get(f"{action}/skipped.csv").data.decode("utf-8-sig")
    assert [row[0] for row in csv.reader(io.StringIO(skipped))] == ["line", "3", "4", "5", "6", "7"]
    assert "no longer here" in send(manager, "/me", action, act="import", **form).text
    assert sign_in("owner").get(f"{action}/skipped.csv").status_code == 404


HEADER = ["Post URL", "Author (handle)", "Posted At", "Promoted accounts", "عنوان 标题"]


def thousand() -> list[list[object]]:
    """1,000 rows of which 17 cannot be taken, each for one of several reasons."""
    rows: list[list[object]] = []
    for number in range(1000):
        row: list[object] = [
            f"https://s.example/post/{number}", f"@author_{number % 7}",
            datetime.fromisoformat(f"2020-05-{1 + number % 28:02}"), "one; two", f"نص 文字 {number}",
        ]  # fmt: skip
        if number % 60 == 5:
            bad = number // 60
            row[0] = ["", "ftp://s.example/1", "https://", "not an address", "http://a b.example"][
                bad % 5
            ]
        rows.append(row)
    assert sum(row[0] == "" or not str(row[0]).startswith("https://s.") for row in rows) == 17
    return rows


def as_csv(rows: list[list[object]], delimiter: str, encoding: str) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(HEADER)
    for row in rows:
        writer.writerow([one.date() if isinstance(one, datetime) else one for one in row])
    return out.getvalue().encode(encoding)


def as_xlsx(rows: list[list[object]]) -> bytes:
    book = Workbook()
    book.active.title = "Read me"
    book.active.append(["made by hand"])
    sheet = book.create_sheet("Posts 帖子")
    sheet.append(HEADER)
    for row in rows:
        sheet.append(row)
    del book["Read me"]
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_thousand_rows_with_seventeen_bad_ones(
    wiring: Wiring, project: Project, sign_in: Callable[[str], FlaskClient], kind: str
) -> None:
    manager = sign_in("manager")
    rows = thousand()
    data = as_xlsx(rows) if kind == "xlsx" else as_csv(rows, ";", "utf-8-sig")
    for turn, (new, known) in enumerate([(983, 0), (0, 983)]):
        answer = send(manager, "/me", "/p/study/imports", file=(io.BytesIO(data), f"رصد.{kind}"))
        page = manager.get(answer.location).text
        assert f"<b>{new}</b>new items" in page
        form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
        for match in re.finditer(r'<select name="([\w-]+)"[^>]*>(.*?)</select>', page):
            chosen = re.search(r'<option(?: value="([^"]*)")? selected>([^<]*)', match[2])
            form[match[1]] = (chosen[1] or chosen[2]) if chosen else ""
        form.pop("csrf_token")
        action = answer.location.partition("?")[0]
        done = send(manager, "/me", action, act="import", **form).text
        assert f"{new} items added, {known} known already" in done
        assert "17 rows were skipped" in done
        skipped = manager.get(f"{action}/skipped.csv").data.decode("utf-8-sig")
        errors = list(csv.reader(io.StringIO(skipped)))
        assert len(errors) == 18
        assert errors[0] == ["line", "why", *HEADER]
        assert [row[0] for row in errors[1:]] == [str(7 + 60 * at) for at in range(17)]
        with wiring.database.read() as session:
            assert session.scalar(select(func.count()).select_from(Item)) == 983, turn
            values = session.scalar(select(func.count()).select_from(FieldValue))
            assert values == 983 * 4  # author, day, two promoted accounts


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("gb18030", "官方账号在喀什发布了一条关于棉花的视频，旅行者走进田间"),
        ("windows-1256", "نشر الحساب الرسمي مقطعا عن القطن في كاشغر والمسافر يزور الحقول"),
        ("windows-1251", "Официальный аккаунт опубликовал видео о хлопке в Кашгаре"),
        ("utf-16", "官方账号 الحساب"),
    ],
)
def test_lists_saved_in_old_encodings(encoding: str, words: str) -> None:
    text = (
        f"网址,作者\nhttp://s.example/1,{words}\n"
        if encoding == "gb18030"
        else (f"URL;Author\nhttp://s.example/1;{words}\n")
    )
    table = read("list.csv", text.encode(encoding))
    assert table.rows[0][1] == ("http://s.example/1", words)
    assert table.encoding == encoding
    chosen = read("list.csv", text.encode(encoding), encoding=encoding)
    assert chosen.rows == table.rows
    with pytest.raises(UsageError, match="no encoding"):
        read("list.csv", text.encode(encoding), encoding="rot13")


@pytest.mark.parametrize(
    ("header", "held"),
    [
        ("LINK,user name,Date Posted", ["address", "author", "posted_at"]),
        ("Post_URL,AUTHOR,posted-at", ["address", "author", "posted_at"]),
        ("网址,作者,发布时间", ["address", "author", "posted_at"]),
        ("الرابط,الحساب,التاريخ", ["address", "author", "posted_at"]),
        ("ССЫЛКА,автор,Дата", ["address", "author", "posted_at"]),
        ("where,who,when", ["address", "", ""]),
    ],
)
def test_columns_are_known_by_any_spelling(
    wiring: Wiring, project: Project, header: str, held: list[str]
) -> None:
    table = read("list.csv", f"{header}\nhttp://s.example/1,@a,2020-05-31\n".encode())
    with wiring.database.read() as session:
        mapping = lists.guess_mapping(table, fields_of(session, project.id))
    assert list(mapping.values()) == held


@pytest.mark.parametrize(
    ("written", "zone", "read_as"),
    [
        ("31.05.2020", None, "2020-05-31"),
        ("2020/5/31", None, "2020-05-31"),
        ("2020年5月31日", None, "2020-05-31"),
        ("٢٠٢٠/٠٥/٣١", None, "2020-05-31"),
        ("31/05/2020", None, "2020-05-31"),
        ("05/31/2020", None, "2020-05-31"),
        ("03/04/2020", None, "03/04/2020"),
        ("2020-05-31 23:30", "Asia/Urumqi", "2020-05-31T23:30:00+06:00"),
        ("2020-05-31T23:30:00", None, "2020-05-31T23:30:00"),
        ("2020-05-31 23:30:00+08:00", "UTC", "2020-05-31T23:30:00+08:00"),
        ("yesterday", "UTC", "yesterday"),
    ],
)
def test_dates_are_read_where_one_day_is_meant(
    written: str, zone: str | None, read_as: str
) -> None:
    assert as_iso(written, parse_zone(zone) if zone else None) == read_as


def test_bookmarks_and_plain_lists() -> None:
    marks = (
        "<!DOCTYPE NETSCAPE-Bookmark-file-1>\n<TITLE>Bookmarks</TITLE>\n<DL><p>\n"
        "<DT><H3 ADD_DATE='1'>研究</H3>\n<DL><p>\n"
        '<DT><A HREF="https://s.example/?a=1&amp;b=2" ADD_DATE="1590967800" TAGS="x,y">عنوان &amp; b</A>\n'
        '</DL><p>\n<DT><A HREF="javascript:alert(1)">no</A>\n'
        '<DT><A HREF="http://s.example/2">two</A>\n</DL>\n'
    )
    table = read("bookmarks.html", marks.encode())
    assert table.header == ("address", "title", "folder", "added", "tags")
    assert [cells for _line, cells in table.rows] == [
        ("https://s.example/?a=1&b=2", "عنوان & b", "研究", "2020-05-31T23:30:00.000000Z", "x,y"),
        ("http://s.example/2", "two", "", "", ""),
    ]
    plain = read("urls.txt", b"# mine\nhttps://s.example/1\nhttps://s.example/2 second one\n")
    assert [cells for _line, cells in plain.rows] == [
        ("https://s.example/1", ""),
        ("https://s.example/2", "second one"),
    ]


def test_a_formula_in_a_skipped_row_is_none_and_comes_back_as_it_was() -> None:
    text = 'url,author\n"=HYPERLINK(""http://x"")",@a\n'
    table = read("list.csv", text.encode())
    fault = lists.RowFault(2, "no address", table.rows[0][1])
    out = lists.faults_csv(table, [fault])
    assert "\"'=HYPERLINK" in out
    assert "'@a" in out
    again = read("list.csv", out.encode())
    assert again.rows[0][1][2:] == table.rows[0][1]


def test_times_without_a_zone_are_left_out_or_read_in_the_one_a_person_says(
    wiring: Wiring, project: Project
) -> None:
    book = Workbook()
    book.active.append(["url", "posted at"])
    book.active.append(["https://s.example/1", datetime.fromisoformat("2020-05-31T23:30")])
    out = io.BytesIO()
    book.save(out)
    table = read("list.xlsx", out.getvalue())
    with wiring.database.read() as session:
        held = projects.find_project(session, "study")
        mapping = lists.guess_mapping(table, fields_of(session, held.id))
        _rows, without = lists.plan(session, held, table, mapping)
        rows, told = lists.plan(session, held, table, mapping, zone=parse_zone("Asia/Urumqi"))
    assert "no time zone" in without.faults[0].reason
    assert (told.faults, next(iter(rows[0].values.values()))) == ([], ["2020-05-31T23:30:00+06:00"])


def test_addresses_by_hand(sign_in: Callable[[str], FlaskClient]) -> None:
    coder = sign_in("coder")
    form = {"addresses": "http://s.example/1\nnonsense\nhttp://s.example/1"}
    answer = send(coder, "/me", "/p/study/queue", **form)
    assert answer.status_code == 400
    assert "nonsense" in answer.text
    assert coder.get("/p/study/queue.json").json["total"] == 1


def test_an_item_shows_a_date_as_it_was_written_and_what_it_is_in_utc(
    wiring: Wiring, project: Project, sign_in: Callable[[str], FlaskClient]
) -> None:
    report(wiring, "url,posted_at\n/1,2020-05-31T23:30:00-05:00\n/2,2020-06-02\n")
    with wiring.database.read() as session:
        exact, vague = session.scalars(select(Item.id).order_by(Item.address))
    reader = sign_in("coder")
    shown = reader.get(f"/p/study/items/{exact}").text
    time = re.search(r"<time [^>]*><bdi>2020-05-31T23:30:00-05:00</bdi>", shown)
    assert time is not None
    assert 'title="2020-06-01 04:30:00 UTC"' in time[0]
    assert "<div><bdi>2020-06-02</bdi>" in reader.get(f"/p/study/items/{vague}").text
