"""What warcio and FastWARC say of files: run in .venv-oracles, one line of JSON a file.

.venv-oracles/bin/python scripts/oracle_answers.py FILE…
"""

import json
import subprocess
import sys
from pathlib import Path

BIN = Path(sys.executable).parent


def counted(name, path):
    """Count the records a library reads, in a process of its own: some crash."""
    code = {
        "warcio": "from warcio.archiveiterator import ArchiveIterator as A\n",
        "fastwarc": "from fastwarc.warc import ArchiveIterator as A\n",
    }[name]
    code += (
        "import sys\nn = 0\n"
        "try:\n"
        "    for r in A(open(sys.argv[1], 'rb')): n += 1\n"
        "except BaseException as e: print(f'{n} then {type(e).__name__}')\n"
        "else: print(n)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=False
    )
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "crash"


def checked(command):
    """Return the exit code of a tool's own check."""
    return subprocess.run(command, capture_output=True, check=False).returncode


for path in sys.argv[1:]:
    answer = {
        "path": path,
        "warcio": counted("warcio", path),
        "warcio_check": checked([BIN / "warcio", "check", path]),
        "fastwarc": counted("fastwarc", path),
        "fastwarc_check": checked([BIN / "fastwarc", "check", "-q", "-p", path]),
    }
    print(json.dumps(answer), flush=True)
