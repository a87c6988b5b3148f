"""The language model read in place says what the library's own loader makes it say."""

from __future__ import annotations

import lzma
import random
import threading
from pathlib import Path

import numpy as np
import pytest
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from search.language_model import Identifier, read_identifier

LINES = (
    "The bridge was opened on a rainy Tuesday.",
    "Мост был открыт в дождливый вторник.",
    "افتتح الجسر في يوم ثلاثاء ممطر",
    "پل در یک سه‌شنبه بارانی افتتاح شد",
    "Көпір жаңбырлы сейсенбіде ашылды",
    "Köprü yağmurlu bir salı günü açıldı",
    "桥在一个下雨的星期二开通了",
    "\U0001f1e8\U0001f1f3 2020",
    "",
)


@pytest.fixture(scope="module")
def own() -> Identifier:
    return read_identifier()


@pytest.fixture(scope="module")
def theirs() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def test_every_share_is_that_of_the_whole_model(
    own: Identifier, theirs: LanguageIdentifier
) -> None:
    choose = random.Random(5)
    noise = ["".join(chr(choose.randrange(32, 0x3000)) for _ in range(200)) for _ in range(20)]
    for text in (*LINES, *noise):
        assert own.rank(text) == theirs.rank(text), text


def test_threads_share_it(own: Identifier, theirs: LanguageIdentifier) -> None:
    expected = [theirs.classify(line) for line in LINES]
    wrong: list[object] = []

    def tell() -> None:
        for _ in range(20):
            wrong.extend(
                line for line, one in zip(LINES, expected, strict=True) if own.classify(line) != one
            )

    threads = [threading.Thread(target=tell) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert wrong == []


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.npz.xz"
    np.savez(tmp_path / "part.npz", ptc=np.zeros((2, 2), np.float16))
    path.write_bytes(lzma.compress((tmp_path / "part.npz").read_bytes()))
    with pytest.raises(ValueError, match="no part"):
        read_identifier(path)
