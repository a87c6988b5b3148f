"""Files of annotations (W3C Web Annotations, Hypothesis): JSON that can be read at all.

They hold no pages. What they say of pages that are here already is found out and shown by
annotate/, which knows those pages.
"""

from __future__ import annotations

import json
from typing import Final

from archive.errors import NotAnArchiveError
from archive.importing.derive import Original
from archive.importing.found import Findings
from archive.verdict import VerdictWord

LARGEST: Final = 64_000_000  # bytes; such a file is read whole


def read_annotations(findings: Findings, original: Original) -> None:
    """See that a file of annotations is whole JSON.

    :raises NotAnArchiveError: it is not, or too large to be read whole
    """
    if original.path.stat().st_size > LARGEST:
        raise NotAnArchiveError(f"the file has more than {LARGEST // 1_000_000} MB; split it")
    try:
        document = json.loads(original.path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise NotAnArchiveError(f"the annotations are no JSON that can be read: {error}") from error
    if not isinstance(document, dict):
        raise NotAnArchiveError("the annotations are no JSON object")
    findings.remark(
        "Annotations of another program. They are put on the items of their addresses, as "
        "highlights where their words are found. Below stands what would become of each; "
        "orphans stay in this list and are put nowhere."
    )
    findings.verdict(VerdictWord.INTACT_WITHOUT_DIGESTS)
