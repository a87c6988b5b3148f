"""Real files nobody here wrote: every one is read or refused by name, none with a traceback."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from archive.errors import NotAnArchiveError
from archive.framing import is_gzip
from archive.verify import verify_file

# What warcio counts though the file does not read whole, or though it opens only the first
# record of it: our count is the truth there, with the fault named.
_READ_DIFFERENTLY = {
    "warc/ipwb/warcs/redirect.warc",  # cut in its second record
    "warc/resiliparse/clipped.warc.gz",  # cut in its first
    "warc/slyrz/test.warc.gz",  # one gzip member: warcio stops after the first record
    "warc/warcio/example-bad-non-chunked.warc.gz",
    "warc/warcio/example-bad.warc.gz.bad",
    "warc/aut/arc/badexample.arc.gz",  # an ARC in one gzip member
    "warc/jwat/test-arc-1.0-invalid-fields.arc",  # its first line gives no length
    "warc/warcio/bad.arc",  # lengths of -1
    "warc/warcio/example-space-in-url.arc",  # cut in its last record
}
_WITHOUT_LENGTH = "warc/jwat/invalid-warcfile-"  # records that say no Content-Length


def test_every_warc_of_the_corpora(shared: Path) -> None:
    root = shared / "corpora"
    with (root / "MANIFEST.tsv").open(encoding="utf-8", newline="") as file:
        rows = [
            row for row in csv.DictReader(file, delimiter="\t") if row["file"].startswith("warc/")
        ]
    checked = 0
    for row in rows:
        path = root / row["file"]
        try:
            verdict = verify_file(path)
        except NotAnArchiveError as error:
            assert path.name in str(error)
            continue
        expected = re.match(r"warcio (\d+)", row["records"])
        if expected is None or row["file"] in _READ_DIFFERENTLY:
            continue
        if row["file"].startswith(_WITHOUT_LENGTH) and verdict.records != int(expected[1]):
            assert verdict.faults
            continue
        assert verdict.records == int(expected[1]), row["file"]
        checked += 1
    assert checked > 80


def test_arc_files_are_told_from_warc(shared: Path) -> None:
    with (shared / "corpora/warc/warcio/example.arc.gz").open("rb") as file:
        assert is_gzip(file)
