"""Text from HTML: pages a second and words kept, beside BeautifulSoup in the same run.

The pages are the corpora's (readability, trafilatura). The reference words are BeautifulSoup's own
(html.parser), with scripts, styles, controls and hidden elements taken out, and a new line where a
block begins or ends. Goal (performance.md, row 4): at least 15 times as fast, recall >= 0.999.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from statistics import median

from archive.text import _BLOCKS, _DROPPED, render_text

ROOT = Path(__file__).resolve().parents[1]
CORPORA = ROOT.parent / "shared/corpora/text"
ROUNDS = 9  # of each, in turns: a machine's pace changes within a minute; the median counts
_WORD = re.compile(r"\w+")
_PEER = """
import json, sys, time
from bs4 import BeautifulSoup
asked = json.loads(sys.stdin.readline())
pages = [open(path, errors="replace").read() for path in asked["paths"]]
texts = []
for _ in range(asked["rounds"]):
    sys.stdin.readline()
    began = time.thread_time()
    for page in pages:
        BeautifulSoup(page, "html.parser").get_text()
    print(time.thread_time() - began, flush=True)
for page in pages:
    soup = BeautifulSoup(page, "html.parser")
    for element in [*soup(asked["dropped"]), *soup.select("[hidden]")]:
        element.extract()
    for element in soup(asked["blocks"]):
        element.insert_before("\\n"), element.insert_after("\\n")
    texts.append(soup.get_text())
json.dump(texts, sys.stdout)
"""


def main() -> None:
    """Measure and print one JSON line."""
    paths = [
        str(path)
        for name in ("readability", "trafilatura")
        for path in sorted((CORPORA / name).rglob("*.html"))
    ]
    asked = {
        "paths": paths, "dropped": sorted(_DROPPED), "blocks": sorted(_BLOCKS), "rounds": ROUNDS,
    }  # fmt: skip
    pages = [Path(path).read_text("utf-8", "replace") for path in paths]
    ours: list[str] = []
    own, peers = [], []
    with subprocess.Popen(
        [ROOT / ".venv-oracles/bin/python", "-c", _PEER],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as peer:  # fmt: skip
        assert peer.stdin is not None
        assert peer.stdout is not None
        print(json.dumps(asked), file=peer.stdin, flush=True)
        for _ in range(ROUNDS):
            print("go", file=peer.stdin, flush=True)
            peers.append(float(peer.stdout.readline()))
            began = time.thread_time()
            ours = [render_text(page).text for page in pages]
            own.append(time.thread_time() - began)
        references = json.load(peer.stdout)
    ratios = [theirs / mine for theirs, mine in zip(peers, own, strict=True)]
    lost = total = 0
    for text, reference in zip(ours, references, strict=True):
        wanted = Counter(_WORD.findall(reference))
        lost += (wanted - Counter(_WORD.findall(text))).total()
        total += wanted.total()
    line = {
        "benchmark": "html text",
        "pages": len(pages),
        "pages_per_s": round(len(pages) / median(own)),
        "beautifulsoup_pages_per_s": round(len(pages) / median(peers)),
        "ratio": round(median(ratios), 1),
        "ratios": [round(one, 1) for one in sorted(ratios)],
        "token_recall": round(1 - lost / total, 5),
        "tokens": total,
    }
    sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
