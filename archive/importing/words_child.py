"""The process that reads the words of one record, for a revisit whose body is in another file.

`python -m archive.importing.words_child WARC OFFSET LENGTH MEMORY SECONDS`: one line of JSON on
standard output, the fields of a page or `{"error": …}`.
"""

from __future__ import annotations

import json
import resource
import sys
import warnings
from pathlib import Path

from archive.capture.outcome import Outcome
from archive.errors import DamagedRecordError
from archive.importing.found import Basis, FoundPage, PageKind
from archive.importing.reading import PAGE_LIMIT, Content, with_words
from archive.reader import read_payload
from archive.record import RecordRef


def main(path: str, offset: str, length: str, memory: str, seconds: str) -> None:
    """Read the words within limits."""
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")
    answer: dict[str, object]
    try:
        page = words_of(Path(path), RecordRef(int(offset), int(length)))
        answer = {
            "title": page.title, "text": page.text, "text_version": page.text_version,
            "language_claimed": page.language_claimed, "facts": page.facts, "body": page.body,
            "outcome": page.outcome.value, "reason": page.reason,
        }  # fmt: skip
    except DamagedRecordError as error:
        answer = {"error": str(error)}
    except (MemoryError, RecursionError) as error:
        answer = {"error": f"it needs more than an import may use ({type(error).__name__})"}
    json.dump(answer, sys.stdout)


def words_of(path: Path, ref: RecordRef) -> FoundPage:
    """Return a page with the words of a record.

    :raises DamagedRecordError: its payload cannot be read as declared
    """
    payload = read_payload(path, ref, limit=PAGE_LIMIT)
    empty = FoundPage(
        warc=0, kind=PageKind.PAGE, address=None, address_basis=Basis.RECORDED, address_from="",
        captured_at=None, time_basis=Basis.RECORDED, outcome=Outcome.COMPLETE, reason="",
        status=None, offset=ref.offset, length=ref.length, record_id=None, payload_digest=None,
    )  # fmt: skip
    return with_words(empty, Content(payload.body, payload.content_type))


if __name__ == "__main__":
    main(*sys.argv[1:])
