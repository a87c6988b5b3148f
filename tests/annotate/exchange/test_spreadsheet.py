"""Tables as workbooks: numbers, times, no formulas; out by every door and in again."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from conftest import send
from flask.testing import FlaskClient
from openpyxl import load_workbook

from annotate.errors import TooLargeError
from annotate.exchange import spreadsheet
from annotate.models import Project
from annotate.services import codebooks, projects
from annotate.wiring import Wiring

Browser = Callable[[str], FlaskClient]
BOOK = (
    "variable,variable_label,type,minimum,code,definition\r\n"
    "frame,النبرة,nominal,,food,=HYPERLINK(1)\r\nframe,,,,否认,-dash\r\n"
    "number,How many?,integer,-5,,\r\n"
)


def rows_of(data: bytes) -> list[tuple[object, ...]]:
    sheet = load_workbook(io.BytesIO(data)).worksheets[0]
    assert not any(cell.data_type == "f" for row in sheet.iter_rows() for cell in row)
    return list(sheet.iter_rows(values_only=True))


def test_each_kind_is_what_it_is() -> None:
    text = "name,n,when\r\n'=1+1,007,2021-08-31T23:30:00-05:00\r\n否认,2.50,soon\r\n007,,\r\n"
    made = spreadsheet.from_csv(text, "T", spreadsheet.kinds(numbers=["n"], times=["when"]))
    _header, first, second, third = rows_of(made)
    assert first == ("=1+1", 7, datetime(2021, 9, 1, 4, 30))  # noqa: DTZ001  # as a cell has it
    assert second == ("否认", 2.5, "soon")
    assert third == ("007", None, None)


@pytest.mark.parametrize(
    ("text", "kept"),
    [("12", 12), ("-3", -3), ("2.5", Decimal("2.5")), ("1234567890123456", "1234567890123456"),
     ("NaN", "NaN"), ("x", "x"), ("", None)],
)  # fmt: skip
def test_a_number_that_would_lose_digits_stays_text(text: str, kept: object) -> None:
    assert spreadsheet.value(text, spreadsheet.Kind.NUMBER) == kept


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t=", "'="])
def test_no_text_is_a_formula(begin: str) -> None:
    made = spreadsheet.workbook([("T", ["a"], [[f"{begin}cmd|' /C calc'!A0"]])])
    assert rows_of(made)[1] == (f"{begin}cmd|' /C calc'!A0",)


def test_what_a_cell_cannot_hold_is_told() -> None:
    made = spreadsheet.workbook([("T", ["a"], [["x" * 40_000], ["a\x00b"]])])
    _header, (long,), (control,) = rows_of(made)
    assert len(str(long)) == spreadsheet.LONGEST
    assert "cut here" in str(long)
    assert control == "a\ufffdb"


def test_more_rows_than_a_sheet_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheet, "MOST_ROWS", 3)
    with pytest.raises(TooLargeError, match="3 rows"):
        spreadsheet.workbook([("T", ["a"], [["x"]] * 3)])


def test_titles_of_sheets_are_fit_and_none_twice() -> None:
    made = spreadsheet.workbook([("a/b: [c]", [], []), ("A b   c", [], []), ("长" * 40, [], [])])
    titles = load_workbook(io.BytesIO(made)).sheetnames
    assert len({title.lower() for title in titles}) == 3
    assert all(len(title) <= 31 for title in titles)


def test_the_same_table_makes_the_same_bytes() -> None:
    table = [("T", ["a"], [["x", 1, datetime(2024, 1, 1, tzinfo=UTC)]])]
    assert spreadsheet.workbook(table) == spreadsheet.workbook(table)


def test_a_list_of_items_has_times_and_the_rows_of_the_csv(
    sign_in: Browser, capture: Callable
) -> None:
    capture(
        {f"https://example.org/{n}": f"<title>=SUM({n}) 棉花</title><p>القطن" for n in range(3)}
    )
    owner = sign_in("owner")
    sent = owner.get("/p/study/items.xlsx?q=棉花")
    assert sent.content_type == spreadsheet.MIMETYPE
    header, *rows = rows_of(sent.data)
    assert len(rows) == 3
    where = {str(name): at for at, name in enumerate(header)}
    assert all(isinstance(row[where["captured_at"]], datetime) for row in rows)
    assert {row[where["title"]] for row in rows} == {f"=SUM({n}) 棉花" for n in range(3)}
    assert "'=SUM(1)" in owner.get("/p/study/items.csv").text
    results = load_workbook(io.BytesIO(owner.get("/p/study/results.xlsx").data))
    assert results.sheetnames[0] == "Scope"
    assert all(isinstance(row[1], int) for row in results["Scope"].iter_rows(2, values_only=True))


def test_a_codebook_goes_out_and_in(
    sign_in: Browser, wiring: Wiring, project: Project, tmp_path: Path
) -> None:
    owner = sign_in("owner")
    page = "/p/study/codebooks"
    made = send(owner, page, page, name="One", file=(io.BytesIO(BOOK.encode()), "b.csv"))
    assert made.status_code == 302, made.text
    one = made.location
    assert "'=HYPERLINK" in owner.get(f"{one}.csv").text
    for ending in ("xlsx", "csv"):
        sent = owner.get(f"{one}.{ending}").data
        again = send(owner, page, page, name=f"From {ending}",
                     file=(io.BytesIO(sent), f"b.{ending}"))  # fmt: skip
        assert again.status_code == 302, again.text
        with wiring.database.read() as session:
            held = projects.find_project(session, "study")
            old, new = (
                codebooks.content_of(codebooks.get_version(session, held, where.rsplit("/", 1)[1]))
                for where in (one, again.location)
            )
        assert [(v.key, v.label, v.minimum) for v in new.variables] == [
            (v.key, v.label, v.minimum) for v in old.variables
        ]
        assert [c.definition for v in new.variables for c in v.codes] == ["=HYPERLINK(1)", "-dash"]
