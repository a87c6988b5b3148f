"""Write docs/corpora-verdicts.md: what verify says of real files, beside warcio and FastWARC.

    .venv/bin/python scripts/corpora_verdicts.py CORPORA > docs/corpora-verdicts.md

CORPORA is the folder of the test corpora (its MANIFEST.tsv names every file). The other readers
run in .venv-oracles, each as a program.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from archive.reader import walk  # noqa: E402  (the checkout is the installation)
from archive.record import DigestState, Record  # noqa: E402
from archive.verify import Verdict, verify_any  # noqa: E402

HEAD = """\
# What `verify` says of real files

Every web archive of the test corpora, none of which was made here: \
what `holdfast verify` says, beside warcio 1.8.1 (`warcio check`) and FastWARC 2.0.1 (`fastwarc check -p`). Made by \
`scripts/corpora_verdicts.py`; a test keeps it true.

For each tool: records read, and the exit code of its check. "then" an error: where it gave up.

| file | verdict | records | faults | warcio | FastWARC | why they differ |
|---|---|---|---|---|---|---|
"""
# Where a count differs from a peer's, for a reason that the faults alone do not tell.
WHY = {
    "warc/aut/arc/badexample.arc.gz": "all in one gzip member: both peers stop early",
    "warc/ipwb/warcs/redirect.warc": "cut in its second record, which warcio counts",
    "warc/ipwb/warcs/broken.warc": "the rest after the sixth record is no record; all three say so",
    "warc/jwat/test-arc-1.0-invalid-fields.arc": "its first line gives no length, which warcio takes for 0",
    "warc/resiliparse/clipped.warc.gz": "cut in its only record, which both count",
    "warc/slyrz/test.warc.gz": "in one gzip member: warcio stops after one",
    "warc/warcio/bad.arc": "lengths of -1, which warcio takes for 0",
    "warc/warcio/example-bad-non-chunked.warc.gz": "in one gzip member: warcio stops after one",
    "warc/warcio/example-bad.warc.gz.bad": "in one gzip member: warcio stops after one",
    "warc/warcio/example-space-in-url.arc": "cut in its last record, which warcio counts",
    "warc/warcio/example-wrong-chunks.warc.gz": "a record lies across two members, which FastWARC joins",
    "warc/jwat/invalid-arcfile-record-then-garbage.arc": "one record, then garbage: who reads ARC says so",
}
NO_LENGTH = "records that give no length: peers count them, empty, without a word"


def archives(corpora: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the manifest's count of every web archive."""
    with (corpora / "MANIFEST.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            name = row["file"]
            last = name.rpartition("/")[2]
            if name.startswith("warc/") and not last.endswith((".cdx", ".cdxj", ".har")):
                if ".warc" in last or ".arc" in last:
                    yield name, row["records"]
            elif name.endswith(".wacz"):
                yield name, row["records"]


def ours(corpora: Path, name: str) -> tuple[Verdict, str]:
    """Judge a file; return the first half of its line too."""
    verdict = verify_any(corpora / name)
    kinds = Counter(fault.kind.value for fault in verdict.faults)
    faults = "; ".join(f"{count} × {kind}" for kind, count in kinds.items())
    return verdict, f"| {name} | {verdict.word} | {verdict.records} | {faults} |"


def why(corpora: Path, name: str, verdict: Verdict, other: dict[str, str]) -> str:
    """Explain every difference to a peer."""
    if name in WHY:
        return WHY[name]
    if verdict.verdict is None:
        return "LZ4 is read by FastWARC alone" if name.endswith("lz4") else "nobody reads it"
    reasons = []
    last = name.rpartition("/")[2]
    same = {str(verdict.records)} >= {other["warcio"], other["fastwarc"]}
    if ".arc" in last:
        reasons.append("FastWARC reads no ARC")
    elif "invalid-warcfile" in last and not same and verdict.faults:
        reasons.append(NO_LENGTH if not verdict.records else "all three say so")
    elif not same:
        who = [tool for tool in ("warcio", "fastwarc") if other[tool] != str(verdict.records)]
        reasons.append(f"{' and '.join(who)} stop at line ends or fields they do not expect")
    good = verdict.word.startswith("intact")
    if good and other["fastwarc_check"] != "0" and "then" not in other["fastwarc"]:
        reasons.append(peculiar(corpora / name))
    blind = [tool for tool in ("warcio", "fastwarc") if other[f"{tool}_check"] == "0"]
    if not good and blind:
        reasons.append(f"{' and '.join(blind)} look at none of these faults")
    return "; ".join(reasons)


def peculiar(path: Path) -> str:
    """Say which sound records FastWARC calls corrupted."""
    found = [one for one in walk(path) if isinstance(one, Record)]
    if any(one.type == "revisit" for one in found):
        return "FastWARC compares a revisit with the digest of the payload it points to"
    matched = [
        one for one in found if one.payload_digest is DigestState.MATCHES and not one.http_head
    ]
    return "FastWARC finds no payload in a record without HTTP" if matched else "?"


def answers(paths: list[Path]) -> Iterator[dict[str, str]]:
    """Ask the peers."""
    program = [ROOT / ".venv-oracles/bin/python", ROOT / "scripts/oracle_answers.py"]
    with subprocess.Popen([*program, *paths], stdout=subprocess.PIPE, text=True) as asked:
        assert asked.stdout is not None
        for line in asked.stdout:
            yield {name: str(value) for name, value in json.loads(line).items()}


def lines(corpora: Path) -> Iterator[str]:
    """Yield the table's lines."""
    names = [name for name, _ in archives(corpora)]
    warcs = [name for name in names if not name.endswith(".wacz")]
    others = dict(zip(warcs, answers([corpora / name for name in warcs]), strict=True))
    for name in names:
        verdict, half = ours(corpora, name)
        other = others.get(name)
        if other is None:
            signature = verdict.signature
            said = signature and f"signature {signature.state.value}, {signature.identity.value}"
            yield f"{half} | | {said or ''} |"
            continue
        told = " | ".join(
            f"{other[tool]}, exit {other[f'{tool}_check']}" for tool in ("warcio", "fastwarc")
        )
        yield f"{half} {told} | {why(corpora, name, verdict, other)} |"


if __name__ == "__main__":
    print(HEAD + "\n".join(lines(Path(sys.argv[1]))))
