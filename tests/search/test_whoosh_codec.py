"""What we rely on in Whoosh: when it changes, this fails and search/whoosh_codec.py is looked at."""

from __future__ import annotations

import inspect
from pathlib import Path

import whoosh
from whoosh import index, writing
from whoosh.codec import base
from whoosh.codec.whoosh3 import W3Segment
from whoosh.filedb.filestore import FileStorage
from whoosh.filedb.structfile import StructFile

from search.documents import Document
from search.whoosh_codec import HOLDS_FOR, INDEX_NAME, listed, newest_generation
from search.whoosh_engine import WhooshEngine


def test_the_version_is_one_it_was_measured_with() -> None:
    assert whoosh.__version__ in HOLDS_FOR


def test_the_extension_points_are_as_they_were() -> None:
    """The methods we override and call, with their parameters."""
    assert list(inspect.signature(FileStorage.create_file).parameters) == [
        "self", "name", "excl", "mode", "kwargs"]  # fmt: skip
    assert list(inspect.signature(FileStorage.open_file).parameters) == ["self", "name", "kwargs"]
    assert list(inspect.signature(FileStorage.rename_file).parameters) == [
        "self", "oldname", "newname", "safe"]  # fmt: skip
    assert list(inspect.signature(StructFile.__init__).parameters) == [
        "self", "fileobj", "name", "onclose"]  # fmt: skip
    for name in ("per_document_writer", "field_writer", "new_segment"):
        assert hasattr(base.Codec, name)
    for name in ("doc_count_all", "deleted_docs", "delete_document", "set_doc_count", "segment_id"):
        assert hasattr(W3Segment, name)
    assert "mergetype" in inspect.signature(writing.SegmentWriter.commit).parameters
    wanted = {"timeout", "limitmb", "codec", "compound"}
    assert wanted <= inspect.signature(writing.SegmentWriter.__init__).parameters.keys()


def test_the_writer_takes_the_segments_its_merge_policy_returns() -> None:
    source = inspect.getsource(writing.SegmentWriter.commit)
    assert "finalsegments = self._merge_segments(mergetype, optimize, merge)" in source
    assert "self._commit_toc(finalsegments)" in source


def test_a_table_of_contents_is_put_in_place_by_renaming() -> None:
    source = inspect.getsource(index.TOC.write)
    assert source.rstrip().endswith("storage.rename_file(tempfilename, tocfilename, safe=True)")


def test_what_no_generation_names_is_cleared_away(tmp_path: Path) -> None:
    engine = WhooshEngine(tmp_path)
    engine.apply([Document("a", "p", "", "cotton", "", "")], [], 1)
    folder = engine.folder
    leaving = folder / f"{INDEX_NAME}_0000000000000000.hfx"
    leaving.write_bytes(b"a writer died")
    engine.apply([Document("b", "p", "", "cotton", "", "")], [], 2)
    generation, segments = listed(folder)
    assert generation == newest_generation(folder)
    names = {f"{segment.segment_id()}.hfx" for segment in segments}
    assert {path.name for path in folder.glob("*.hfx")} == names
    engine.close()
