"""Projects that other programs wrote as REFI-QDA: read, placed, or refused with the reason."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from conftest import import_whole
from exchange.test_qdpx import SHARED, counts
from sqlalchemy import select

from annotate.instrument.codebook import Codebook
from annotate.models import (
    Annotation,
    CodebookVersion,
    CodingElsewhere,
    Project,
)
from annotate.services import (
    codebooks,
    imports,
)
from annotate.wiring import Wiring

G = [f"00000000-0000-4000-8000-00000000000{n}" for n in range(6)]


def foreign(tmp_path: Path, text: str, within: str) -> Path:
    """A small project as another program writes it."""
    document = (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<Project xmlns="urn:QDA-XML:project:1.0" name="Theirs" origin="Another 1.0">'
        f'<Users><User guid="{{{G[2].upper()}}}" name="Ana"/></Users>'
        f'<CodeBook><Codes><Code guid="{G[3]}" name="Feelings" isCodable="true"/></Codes></CodeBook>'
        f'<Sources><TextSource guid="{G[4]}" name="Interview" plainTextPath="internal://t.txt">'
        f"{within}</TextSource></Sources></Project>"
    )
    path = tmp_path / "theirs.qdpx"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("project.qde", document)
        package.writestr("sources/t.txt", "\ufeff" + text)
    return path


@pytest.mark.skipif(not SHARED.exists(), reason="needs the shared corpora")
@pytest.mark.parametrize("name", ["TestProject.qdpx", "Project.qde"])
def test_a_project_of_another_program_is_read(
    name: str, wiring: Wiring, project: Project, in_process: None
) -> None:
    file = import_whole(wiring, project, SHARED / "corpora/annotation/refi-qda" / name)
    assert file.state.value == "imported", file.reason
    told = " ".join(imports.remarks_of(file))
    assert all(words in told for words in ("14 codes", "8 texts", "2 films"))
    with wiring.database.read() as session:
        (version,) = session.scalars(select(CodebookVersion))
        book: Codebook = codebooks.content_of(version)
    (variable,) = book.variables
    assert len(variable.codes) == 14
    assert variable.code("Coke") is not None
    assert variable.code("rushed") is not None


def test_codings_of_another_program_are_anchored_by_their_places(
    wiring: Wiring, project: Project, tmp_path: Path, in_process: None
) -> None:
    path = foreign(
        tmp_path,
        "القطن 棉花 cotton",
        f'<PlainTextSelection guid="{G[0]}" name="x" startPosition="6" endPosition="8">'
        f'<Coding guid="{G[1]}" creatingUser="{G[2]}"><CodeRef targetGUID="{G[3]}"/></Coding>'
        "</PlainTextSelection>",
    )
    import_whole(wiring, project, path)
    with wiring.database.read() as session:
        (mark,) = session.scalars(select(Annotation))
        (coding_,) = session.scalars(select(CodingElsewhere))
    assert mark.exact == "棉花"
    assert (coding_.label, coding_.coder, coding_.annotation_id) == ("Feelings", "Ana", mark.id)


def test_a_selection_beyond_its_text_is_told_and_not_placed(
    wiring: Wiring, project: Project, tmp_path: Path, in_process: None
) -> None:
    path = foreign(
        tmp_path,
        "short",
        f'<PlainTextSelection guid="{G[0]}" name="gone words" startPosition="3" '
        'endPosition="900"/>',
    )
    file = import_whole(wiring, project, path)
    assert any("gone words" in one for one in imports.remarks_of(file))
    assert counts(wiring, project)["annotation"] == 0


@pytest.mark.parametrize(
    "document",
    [
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><Project xmlns="urn:QDA-XML:project:1.0" name="&x;"/>',
        b'<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Project xmlns="urn:QDA-XML:project:1.0" name="&b;"/>',
        b'<Project xmlns="urn:QDA-XML:project:1.0"',
        b"<nothing>urn:QDA-XML:project:1.0</nothing>",
        b'<Project xmlns="urn:QDA-XML:project:1.0">' + b"<a>" * 5000 + b"</Project>",
    ],
)
def test_xml_that_could_do_harm_or_is_none_is_refused(
    document: bytes, wiring: Wiring, project: Project, tmp_path: Path, in_process: None
) -> None:
    path = tmp_path / "bad.qdpx"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("project.qde", document)
    file = import_whole(wiring, project, path)
    assert file.state.value == "refused"
    assert file.reason
