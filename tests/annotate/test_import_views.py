"""What was imported is looked at in the pages: each kind is shown, and its claims are called so."""

from __future__ import annotations

import html
import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import send
from flask.testing import FlaskClient
from PIL import Image

from annotate.wiring import Wiring

Browser = Callable[[str], FlaskClient]
PAGES = "/p/study/imports"
SAVED = (
    "<!DOCTYPE html><html lang=ar><!--\n Page saved with SingleFile \n url: https://s.example/1 \n"
    " saved date: Tue Mar 05 2024 10:20:30 GMT+0530 (IST)\n--><meta charset=utf-8>"
    "<title>عنوان</title><style>p{color:teal}</style><p>نص محفوظ<script>alert(1)</script>"
)
MHTML = (
    "From: <Saved by Blink>\r\nSnapshot-Content-Location: https://s.example/2\r\n"
    "MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=B\r\n\r\n"
    "--B\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
    "Content-Location: https://s.example/2\r\n\r\n<html><title>标题</title>"
    "<link rel=stylesheet href=cid:css@mhtml.blink><img src=https://s.example/a.png><p>保存的文字\r\n"
    "--B\r\nContent-Type: text/css\r\nContent-Location: cid:css@mhtml.blink\r\n\r\np{color:red}\r\n"
    "--B\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n"
    "Content-Location: https://s.example/a.png\r\n\r\niVBORw0KGgo=\r\n--B--\r\n"
)


pytestmark = pytest.mark.usefixtures("in_process")


def bring(
    client: FlaskClient, name: str, data: bytes, *, address: str = "", note: str = ""
) -> tuple[dict, dict]:
    """Upload a file of one page and take it; return the import and its page."""
    answer = send(client, "/me", PAGES, file=(io.BytesIO(data), name), note=note)
    found = client.get(f"{answer.location}.json").json
    (page,) = found["pages_found"]
    kept = address or page["address"] or f"urn:sha256:{found['sha256']}"
    form = {"shown": page["id"], f"take-{page['id']}": "yes", f"address-{page['id']}": kept}
    assert send(client, "/me", answer.location, act="confirm", **form).status_code == 302
    done = client.get(f"{answer.location}.json").json
    assert done["state"] == "imported", done
    return done, done["pages_found"][0]


def item_page(client: FlaskClient, page: dict, tab: str = "evidence") -> str:
    return client.get(f"/p/study/items/{page['item']}?tab={tab}").text


def test_a_saved_page(wiring: Wiring, sign_in: Browser) -> None:
    manager = sign_in("manager")
    _file, page = bring(manager, "صفحة.html", SAVED.encode())
    view = manager.get(f"/c/{page['capture']}/view").text
    assert "نص محفوظ" in view
    assert "<script" not in view
    assert "Address claimed by the file, time claimed by the file." in item_page(manager, page)
    told = item_page(manager, page, "provenance")
    assert "claimed by the file" in told
    assert "written by SingleFile" in told


def test_a_corrected_address_stands_beside_the_claim(wiring: Wiring, sign_in: Browser) -> None:
    manager = sign_in("manager")
    _file, page = bring(manager, "a.html", SAVED.encode(), address="https://s.example/right")
    told = item_page(manager, page, "provenance")
    assert "given by a person; the file says" in told
    assert "https://s.example/1" in told


def test_an_mhtml_page_with_its_parts(wiring: Wiring, sign_in: Browser) -> None:
    manager = sign_in("manager")
    _file, page = bring(manager, "页面.mhtml", MHTML.encode())
    answer = manager.get(f"/c/{page['capture']}/view")
    assert "保存的文字" in answer.text
    assert "/part?u=" in answer.text
    assert "mhtml.blink" in answer.text or "color" in answer.text
    assert "time not known" in item_page(manager, page)


def test_a_picture_without_an_address(wiring: Wiring, sign_in: Browser) -> None:
    manager = sign_in("manager")
    out = io.BytesIO()
    Image.new("RGB", (400, 300), "teal").save(out, "PNG")
    file, page = bring(manager, "صورة 图片.png", out.getvalue(), note="sent by a witness")
    assert page["address"] == f"urn:sha256:{file['sha256']}"
    shown = manager.get(f"/c/{page['capture']}/view")
    assert shown.status_code == 200
    part = re.search(r'src="([^"]+/part\?u=[^"]+)"', shown.text)
    assert part is not None, shown.text
    assert manager.get(html.unescape(part[1])).data == out.getvalue()
    with manager.get(f"/c/{page['capture']}/thumbnail.png") as small:
        assert small.status_code == 200
    text = item_page(manager, page)
    assert "صورة 图片.png" in text
    assert "sent by a witness" in text
    assert "Address not known, time not known." in text


def test_a_picture_with_an_address_that_a_person_gave(wiring: Wiring, sign_in: Browser) -> None:
    manager = sign_in("manager")
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(out, "JPEG")
    _file, page = bring(manager, "a.jpg", out.getvalue(), address="https://s.example/a.jpg")
    shown = manager.get(f"/c/{page['capture']}/view").text
    part = re.search(r'src="([^"]+/part\?u=[^"]+)"', shown)
    assert part is not None, shown
    assert manager.get(html.unescape(part[1])).data == out.getvalue()


def test_a_pdf_is_shown_by_its_pages(wiring: Wiring, sign_in: Browser) -> None:
    manager = sign_in("manager")
    out = io.BytesIO()
    Image.new("RGB", (200, 300), "teal").save(out, "PDF", save_all=True, append_images=[
        Image.new("RGB", (200, 300), "navy")])  # fmt: skip
    _file, page = bring(manager, "تقرير.pdf", out.getvalue(), address="https://s.example/r.pdf")
    shown = manager.get(f"/c/{page['capture']}/view").text
    parts = re.findall(r'src="([^"]+/part\?u=[^"]+)"', shown)
    assert len(parts) == 2, shown
    for part in parts:
        answer = manager.get(html.unescape(part))
        assert (answer.status_code, answer.data[:4]) == (200, b"\x89PNG")


def test_a_har_through_the_pages(wiring: Wiring, sign_in: Browser) -> None:
    manager = sign_in("manager")
    content = {"mimeType": "text/html", "text": "<title>标</title><p>من ملف HAR", "size": 9}
    entry = {
        "startedDateTime": "2021-03-04T05:06:07Z",
        "request": {"method": "GET", "url": "https://s.example/har", "headers": []},
        "response": {"status": 200, "statusText": "OK", "content": content,
                     "headers": [{"name": "Content-Type", "value": "text/html"}]},
    }  # fmt: skip
    data = json.dumps({"log": {"entries": [entry]}}).encode()
    _file, page = bring(manager, "saved.har", data)
    assert "من ملف HAR" in manager.get(f"/c/{page['capture']}/view").text
    assert "Address claimed by the file" in item_page(manager, page)


def test_a_zip_of_several_kinds(wiring: Wiring, sign_in: Browser) -> None:
    manager = sign_in("manager")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("a/页.html", SAVED)
        made.writestr("b.mhtml", MHTML)
        made.writestr("c.exe", b"MZ\x00\x01")
    answer = send(manager, "/me", PAGES, file=(io.BytesIO(out.getvalue()), "all.zip"))
    listed = {one["name"]: one for one in manager.get(f"{PAGES}.json").json}
    assert listed["all.zip"]["state"] == "imported"
    assert "2 files unpacked" in listed["all.zip"]["reason"]
    assert "c.exe" in listed["all.zip"]["reason"]
    assert listed["all.zip/a/页.html"]["state"] == "found"
    assert listed["all.zip/b.mhtml"]["state"] == "found"
    assert answer.status_code == 302
    send(manager, "/me", f"{PAGES}/confirm")
    assert {one["state"] for one in manager.get(f"{PAGES}.json").json} == {"imported"}
    items = manager.get("/p/study/items.json").json["items"]
    assert {one["address"] for one in items} <= {"https://s.example/1", "https://s.example/2"}


def test_a_list_dropped_among_the_files_goes_to_its_mapping(
    wiring: Wiring, sign_in: Browser
) -> None:
    manager = sign_in("manager")
    answer = send(manager, "/me", PAGES, file=(io.BytesIO(b"url\nhttps://s.example/1\n"), "l.csv"))
    assert "/lists/" in answer.location
    assert "1</b>new items" in manager.get(answer.location).text


def test_files_of_another_project_are_not_told(
    wiring: Wiring, sign_in: Browser, tmp_path: Path
) -> None:
    owner = sign_in("owner")
    form = {"name": "other", "slug": "other"}
    send(owner, "/", "/projects", **form)
    bring(owner, "a.html", SAVED.encode())
    answer = send(owner, "/me", "/p/other/imports", file=(io.BytesIO(SAVED.encode()), "a.html"))
    if answer.status_code == 302:
        found = owner.get(f"{answer.location}.json").json
        assert (found["state"], found["pages_found"][0]["item"]) == ("found", None)
