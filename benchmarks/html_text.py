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

from archive.text import _BLOCKS, _DROPPED, render_text

ROOT = Path(__file__).resolve().parents[1]
CORPORA = ROOT.parent / "shared/corpora/text"
ROUNDS = 5  # of each; the best counts
_WORD = re.compile(r"\w+")
_PEER = """
import json, sys, time
from bs4 import BeautifulSoup
asked = json.load(sys.stdin)
pages = [open(path, errors="replace").read() for path in asked["paths"]]
texts, taken = [], []
for _ in range(asked["rounds"]):
    began = time.thread_time()
    for page in pages:
        BeautifulSoup(page, "html.parser").get_text()
    taken.append(time.thread_time() - began)
for page in pages:
    soup = BeautifulSoup(page, "html.parser")
    for element in [*soup(asked["dropped"]), *soup.select("[hidden]")]:
        element.extract()
    for element in soup(asked["blocks"]):
        element.insert_before("\\n"), element.insert_after("\\n")
    texts.append(soup.get_text())
json.dump({"seconds": min(taken), "texts": texts}, sys.stdout)
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
    done = subprocess.run(
        [ROOT / ".venv-oracles/bin/python", "-c", _PEER],
        input=json.dumps(asked), capture_output=True, text=True, check=True,
    )  # fmt: skip
    peer = json.loads(done.stdout)
    pages = [Path(path).read_text("utf-8", "replace") for path in paths]
    taken = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        ours = [render_text(page).text for page in pages]
        taken.append(time.thread_time() - began)
    seconds = min(taken)
    lost = total = 0
    for text, reference in zip(ours, peer["texts"], strict=True):
        wanted = Counter(_WORD.findall(reference))
        lost += (wanted - Counter(_WORD.findall(text))).total()
        total += wanted.total()
    line = {
        "benchmark": "html text",
        "pages": len(pages),
        "pages_per_s": round(len(pages) / seconds),
        "beautifulsoup_pages_per_s": round(len(pages) / peer["seconds"]),
        "ratio": round(peer["seconds"] / seconds, 1),
        "token_recall": round(1 - lost / total, 5),
        "tokens": total,
    }
    sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
