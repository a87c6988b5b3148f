"""What every engine must do, as tests: an engine's own test module subclasses `EngineContract`.

A new engine needs only `make`: given a folder, an engine over it; given the same folder again,
the same index.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest

from search.documents import Document
from search.engine import Engine
from search.query import Fuzzy, Phrase, Prefix, Term, TextField, TextNode
from tests.search.reference import ReferenceEngine

WORDS = (
    "cotton cottons Cotton field fields forced labour résumé resume Kaşgar kasgar "
    "棉花 强迫劳动 強迫勞動 喀什的棉花地 棉 花 カシュガル ｶｼｭｶﾞﾙ ฝ้าย "
    "القطن القُطْن كاشغر کاشغر پاختا قىزلار قيزلار پەرزەنت مىخ می\u200cخواهم "
    "хлопок хлопка лагерь лагерей ещё еще қазақ שלום שָׁלוֹם कपास 서울 서울에서 བོད་ཡིག iPhone手机 high-speed"
).split()  # fmt: skip
LANGUAGES = ("en", "tr", "zh", "ar", "fa", "ug", "ru", "kk", None)


def document(
    item_id: str, text: str, *, title: str = "", notes: str = "", language: str | None = "en"
) -> Document:
    return Document(item_id, "p", title, text, notes, "", language)


def some_documents(chance: random.Random, count: int) -> list[Document]:
    return [
        document(
            f"{number:03d}",
            " ".join(chance.choices(WORDS, k=chance.randint(0, 9))),
            title=" ".join(chance.choices(WORDS, k=chance.randint(0, 2))),
            notes=" ".join(chance.choices(WORDS, k=chance.choice((0, 0, 0, 2)))),
            language=chance.choice(LANGUAGES),
        )
        for number in range(count)
    ]


def some_nodes(chance: random.Random, count: int) -> Iterable[TextNode]:
    for _ in range(count):
        field = chance.choice((None, None, None, *TextField))
        word = chance.choice(WORDS)
        several = " ".join(chance.choices(WORDS, k=chance.randint(1, 3)))
        related = chance.random() < 0.5
        yield chance.choice(
            (
                Term(word, field, related),
                Phrase(several, field, 0, related),
                Phrase(several, field, chance.randint(1, 4)),
                Prefix(word[: chance.randint(1, 4)], field),
                Fuzzy(word, chance.randint(1, 2), field),
            )
        )


def ids(engine: Engine, node: TextNode) -> set[str]:
    found = engine.find(node)
    assert found.whole
    return set(found.scores)


class EngineContract:
    """Subclass it, implement `make`, and every test below runs against the engine."""

    def make(self, folder: Path) -> Engine:
        raise NotImplementedError

    @pytest.fixture
    def engine(self, tmp_path: Path) -> Iterable[Engine]:
        made = self.make(tmp_path / "index")
        yield made
        made.close()

    def test_a_new_index_is_empty_and_answers(self, engine: Engine) -> None:
        assert engine.position() == 0
        assert dict(engine.find(Term("cotton")).scores) == {}
        assert list(engine.words_near("cotton", 5)) == []
        assert engine.health().items == 0

    def test_the_position_is_kept_with_the_documents(self, engine: Engine, tmp_path: Path) -> None:
        engine.apply([document("a", "cotton")], [], 7)
        engine.apply([], [], 9)
        again = self.make(tmp_path / "index")
        assert (engine.position(), again.position()) == (9, 9)
        assert ids(again, Term("cotton")) == {"a"}
        again.close()

    def test_the_position_is_kept_where_nothing_was_ever_indexed(self, engine: Engine) -> None:
        engine.apply([], ["gone"], 4)
        assert engine.position() == 4

    def test_doing_it_twice_changes_nothing(self, engine: Engine) -> None:
        for _ in range(2):
            engine.apply([document("a", "cotton"), document("b", "rail")], ["c"], 3)
        assert ids(engine, Term("cotton")) == {"a"}
        assert engine.health().items == 2

    def test_an_item_indexed_again_loses_its_old_words(self, engine: Engine) -> None:
        engine.apply([document("a", "cotton")], [], 1)
        engine.apply([document("a", "rail")], [], 2)
        assert ids(engine, Term("cotton")) == set()
        assert ids(engine, Term("rail")) == {"a"}

    def test_of_an_item_twice_in_one_commit_the_last_counts(self, engine: Engine) -> None:
        engine.apply([document("a", "cotton"), document("a", "rail")], [], 1)
        assert ids(engine, Term("cotton")) == set()
        assert ids(engine, Term("rail")) == {"a"}

    def test_an_item_removed_is_not_found(self, engine: Engine) -> None:
        engine.apply([document("a", "cotton"), document("b", "cotton")], [], 1)
        engine.apply([], ["a"], 2)
        assert ids(engine, Term("cotton")) == {"b"}
        engine.apply([document("a", "cotton")], [], 3)
        assert ids(engine, Term("cotton")) == {"a", "b"}

    def test_an_item_both_given_and_removed_is_indexed(self, engine: Engine) -> None:
        engine.apply([document("a", "cotton")], ["a"], 1)
        assert ids(engine, Term("cotton")) == {"a"}

    def test_a_reader_sees_what_another_wrote(self, engine: Engine, tmp_path: Path) -> None:
        reader = self.make(tmp_path / "index")
        assert not reader.find(Term("cotton")).scores
        engine.apply([document("a", "cotton")], [], 1)
        assert ids(reader, Term("cotton")) == {"a"}
        engine.apply([document("b", "cotton")], [], 2)
        assert ids(reader, Term("cotton")) == {"a", "b"}
        reader.close()

    def test_title_before_text_and_often_before_once(self, engine: Engine) -> None:
        engine.apply(
            [document("once", "cotton rail rail"), document("often", "cotton cotton rail"),
             document("title", "rail rail rail", title="cotton")],
            [], 1,
        )  # fmt: skip
        scores = engine.find(Term("cotton")).scores
        assert sorted(scores, key=lambda one: -scores[one]) == ["title", "often", "once"]

    def test_an_exact_match_before_a_related_one(self, engine: Engine) -> None:
        engine.apply([document("b", "one factories"), document("a", "one factory")], [], 1)
        scores = engine.find(Term("factory", related=True)).scores
        assert set(scores) == {"a", "b"}
        assert scores["a"] > scores["b"]

    def test_near_words_are_offered_nearest_and_most_frequent_first(self, engine: Engine) -> None:
        engine.apply(
            [document("a", "cotton bottom"), document("b", "cotton rotten"), document("c", "mutton")],
            [], 1,
        )  # fmt: skip
        near = list(engine.words_near("coton", 5))
        assert [(one.word, one.distance, one.items) for one in near][:1] == [("cotton", 1, 2)]

    @pytest.mark.parametrize("text", ["", "。。。", "   ", "\x00", "!!!", "\u0640", "\u200d"])
    def test_a_leaf_without_a_word_finds_nothing(self, engine: Engine, text: str) -> None:
        engine.apply([document("a", "cotton")], [], 1)
        for node in (Term(text), Phrase(text), Prefix(text), Fuzzy(text, 2), Phrase(text, slop=3)):
            assert dict(engine.find(node).scores) == {}

    def test_odd_texts_are_indexed(self, engine: Engine) -> None:
        odd = ["\x00\x01", "\ud7ff\uffff", "a" * 100_000, "\u0301" * 50, "🙂🙂", "𠀀𠀁 𝓬𝓸𝓽𝓽𝓸𝓷"]
        engine.apply([document(str(at), text) for at, text in enumerate(odd)], [], 1)
        assert ids(engine, Term("𠀀𠀁")) == {"5"}
        assert ids(engine, Term("cotton")) == {"5"}
        assert ids(engine, Term("a" * 100_000)) == {"2"}

    @pytest.mark.parametrize("seed", range(4))
    def test_counts_agree_with_plain_reading(self, engine: Engine, seed: int) -> None:
        chance = random.Random(seed)
        plain = ReferenceEngine()
        documents = some_documents(chance, 60)
        for at in range(0, 60, 20):
            removed = [one.item_id for one in chance.sample(documents[: at + 1], min(at, 3))]
            again = chance.sample(documents[:at], min(at, 5))
            batch = [*documents[at : at + 20], *again]
            engine.apply(batch, removed, at + 1)
            plain.apply(batch, removed, at + 1)
        for node in some_nodes(chance, 150):
            assert ids(engine, node) == set(plain.find(node).scores), node

    def test_readers_and_a_writer_at_once(self, engine: Engine) -> None:
        engine.apply([document("always", "cotton")], [], 1)
        stop, faults = threading.Event(), []

        def read() -> None:
            while not stop.is_set():
                found = engine.find(Term("cotton", related=True))
                if "always" not in found.scores or not found.whole:
                    faults.append(found)

        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        for number in range(40):
            engine.apply([document(str(number % 7), "cotton rail")], [str(number % 5)], number + 2)
        stop.set()
        for reader in readers:
            reader.join()
        assert faults == []
