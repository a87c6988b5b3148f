"""The right record, or its absence said; never another one."""

from __future__ import annotations

import hashlib
import json
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
import warcs

from archive.cdxj import index_warc, parse_line, readable_body, timestamp17
from archive.lookup import How, IndexFolder, MissingOriginalError, WarcIndex, resolve
from archive.sorted_lines import open_lines

URL = "https://www.youtube.com/watch?v="


def indexed(tmp_path: Path, *records: bytes, name: str = "a.warc.gz") -> WarcIndex:
    path = warcs.write(tmp_path / name, *records)
    return IndexFolder(tmp_path / "cdxj").of(path, hashlib.sha256(path.read_bytes()).hexdigest())


def body(index: WarcIndex, url: str, **asked: str) -> bytes | None:
    from archive.reader import read_payload

    found = index.find(url, **asked)
    return None if found is None else read_payload(index.warc, found.ref, limit=10**6).body


def test_addresses_that_differ_only_in_case_are_two(tmp_path: Path) -> None:
    index = indexed(
        tmp_path, warcs.response(URL + "AbC", b"one"), warcs.response(URL + "abc", b"two")
    )
    assert body(index, URL + "AbC") == b"one"
    assert body(index, URL + "abc") == b"two"
    assert index.find(URL + "ABC") is None


def test_captures_of_one_second_stay_apart(tmp_path: Path) -> None:
    index = indexed(
        tmp_path,
        warcs.response("http://e.org/", b"early", date="2020-05-01T00:00:00.100000Z"),
        warcs.response("http://e.org/", b"late", date="2020-05-01T00:00:00.900000Z"),
        warcs.response("http://e.org/", b"year", date="2019-12-31T23:59:59Z"),
    )
    assert body(index, "http://e.org/", near="20200501000000100") == b"early"
    assert body(index, "http://e.org/", near="20200501000000900") == b"late"
    assert body(index, "http://e.org/", near="20200101000000000") == b"year"


@pytest.mark.parametrize("order", ["response first", "request first"])
def test_a_post_is_answered_by_its_own_body(tmp_path: Path, order: str) -> None:
    pairs = []
    for number, asked in enumerate((b'{"query":"{a}"}', b'{"query":"{b}"}')):
        mine = f"<urn:uuid:{number}>"
        pair = [
            warcs.response("http://e.org/graphql", b"answer %d" % number, WARC_Record_ID=mine),
            warcs.request("http://e.org/graphql", asked, method="POST", WARC_Concurrent_To=mine),
        ]
        pairs += pair if order == "response first" else pair[::-1]
    index = indexed(tmp_path, *pairs)
    for number, asked in enumerate((b'{"query":"{a}"}', b'{"query":"{b}"}')):
        digest = hashlib.sha256(asked).hexdigest()
        assert (
            body(index, "http://e.org/graphql", method="POST", body_sha256=digest)
            == b"answer %d" % number
        )
    other = hashlib.sha256(b'{"query":"{c}"}').hexdigest()
    assert index.find("http://e.org/graphql", method="POST", body_sha256=other) is None
    assert index.find("http://e.org/graphql") is None, "a GET is not answered by a POST"


def test_a_request_of_another_address_does_not_make_a_post_of_an_answer(tmp_path: Path) -> None:
    index = indexed(
        tmp_path,
        warcs.response("http://e.org/", b"page", WARC_Record_ID="<urn:uuid:1>"),
        warcs.request("http://other.org/", b"{}", method="POST", WARC_Concurrent_To="<urn:uuid:1>"),
    )
    assert body(index, "http://e.org/") == b"page"


def test_a_revisit_resolves_by_id_then_address_and_date_then_digest(tmp_path: Path) -> None:
    digest = warcs.sha1(b"same")
    original = warcs.response(
        "http://e.org/a", b"same", date="2020-01-01T00:00:00Z", WARC_Record_ID="<urn:uuid:o>"
    )
    for how, named in (
        (
            How.BY_ID,
            {"WARC_Refers_To": "<urn:uuid:o>", "WARC_Refers_To_Target_URI": "http://e.org/a"},
        ),
        (How.BY_ID, {"WARC_Refers_To": "<urn:uuid:o>"}),
        (
            How.BY_ADDRESS_AND_DATE,
            {
                "WARC_Refers_To_Target_URI": "http://e.org/a",
                "WARC_Refers_To_Date": "2020-01-01T00:00:00Z",
            },
        ),
        (How.BY_DIGEST, {}),
    ):
        index = indexed(
            tmp_path,
            original,
            warcs.revisit("http://e.org/b", digest, **named),
            name=f"{len(named)}{how.name}.gz",
        )
        entry = index.find("http://e.org/b")
        assert entry is not None
        assert resolve(index, entry).how is how


def test_a_revisit_resolves_across_files_and_says_so(tmp_path: Path) -> None:
    digest = warcs.sha1(b"same")
    here = indexed(tmp_path, warcs.revisit("http://e.org/b", digest), name="here.warc.gz")
    there = indexed(tmp_path, warcs.response("http://e.org/a", b"same"), name="there.warc.gz")
    entry = here.find("http://e.org/b")
    assert entry is not None
    found = resolve(here, entry, lambda _entry: [there])
    assert (found.path, found.how) == (there.warc, How.BY_DIGEST)


def test_a_missing_original_is_said_and_never_replaced_by_another_date(tmp_path: Path) -> None:
    revisit = warcs.revisit("http://e.org/a", warcs.sha1(b"then"), WARC_Refers_To_Target_URI="http://e.org/a",
                            WARC_Refers_To_Date="2020-01-01T00:00:00Z")  # fmt: skip
    index = indexed(
        tmp_path, warcs.response("http://e.org/a", b"now", date="2021-01-01T00:00:00Z"), revisit
    )
    entry = next(one for one in index.entries_of("http://e.org/a") if one.type == "revisit")
    with pytest.raises(MissingOriginalError, match="2020-01-01"):
        resolve(index, entry)


def test_a_date_that_fits_with_a_digest_that_does_not_is_not_taken(tmp_path: Path) -> None:
    revisit = warcs.revisit("http://e.org/a", warcs.sha1(b"then"), WARC_Refers_To_Target_URI="http://e.org/a",
                            WARC_Refers_To_Date="2020-01-01T00:00:00Z")  # fmt: skip
    index = indexed(
        tmp_path, warcs.response("http://e.org/a", b"now", date="2020-01-01T00:00:00Z"), revisit
    )
    entry = next(one for one in index.entries_of("http://e.org/a") if one.type == "revisit")
    with pytest.raises(MissingOriginalError):
        resolve(index, entry)


def test_revisits_that_refer_to_each_other_end(tmp_path: Path) -> None:
    index = indexed(
        tmp_path,
        warcs.revisit(
            "http://e.org/a",
            warcs.sha1(b"x"),
            WARC_Record_ID="<urn:uuid:1>",
            WARC_Refers_To="<urn:uuid:2>",
        ),
        warcs.revisit(
            "http://e.org/b",
            warcs.sha1(b"x"),
            WARC_Record_ID="<urn:uuid:2>",
            WARC_Refers_To="<urn:uuid:1>",
        ),
    )
    entry = index.find("http://e.org/a")
    assert entry is not None
    with pytest.raises(MissingOriginalError):
        resolve(index, entry)


def test_lines_are_sorted_and_found_again_each(tmp_path: Path) -> None:
    urls = [f"http://e{n % 7}.org/p/{n % 13}?q={n}" for n in range(300)]
    index = indexed(tmp_path, *(warcs.response(url, url.encode()) for url in urls))
    lines = list(index_warc(index.warc, "a"))
    assert lines == sorted(lines, key=str.encode)
    assert all(body(index, url) == url.encode() for url in urls)
    assert index.find("http://e1.org/p/1?q=none") is None


def test_sorting_spills_and_merges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = warcs.write(
        tmp_path / "a.warc.gz",
        *(warcs.response(f"http://e.org/{n * 7 % 50}", b"x") for n in range(50)),
    )
    whole = list(index_warc(path, "a"))
    monkeypatch.setattr("archive.cdxj._RUN", 2000)
    assert list(index_warc(path, "a", tmp_path)) == whole


def test_times_have_seventeen_digits() -> None:
    assert timestamp17("2020-05-01T02:03:04Z") == "20200501020304000"
    assert timestamp17("2020-05-01T02:03:04.987654Z") == "20200501020304987"
    assert timestamp17("nonsense") == "0" * 17


def test_a_body_is_written_so_that_it_can_be_read() -> None:
    assert readable_body("application/x-www-form-urlencoded", b"a=b%20c&d=1") == "a=b c&d=1"
    assert readable_body("application/json", b'{"a": {"b": "c"}, "d": [1, 2]}') == "b=c&d=1&d.2_=2"
    assert readable_body("image/png", b"\x00") == "__wb_post_data=AA=="


def test_the_corpus_is_indexed_as_another_indexer_does(shared: Path) -> None:
    import json
    import subprocess

    indexer = Path(__file__).parents[2] / ".venv-oracles/bin/cdxj-indexer"
    if not indexer.exists():
        pytest.skip("the oracles are not installed: make oracles")
    for name in (
        "pywb/warcs/iana.warc.gz",
        "pywb/warcs/dupes.warc.gz",
        "py-wacz/example-iana.warc",
        "warcio/post-test.warc.gz",
    ):
        path = shared / "corpora/warc" / name
        if not path.exists():
            continue
        theirs = {
            (said["offset"], said["length"]): said
            for line in subprocess.run(
                [indexer, "-p", path], capture_output=True, text=True, check=True
            ).stdout.splitlines()
            for said in [json.loads(line.split(" ", 2)[2])]
        }
        ours = {
            (str(one.offset), str(one.length)): one
            for line in index_warc(path, path.name)
            if (one := parse_line(line))
        }
        assert ours.keys() == theirs.keys(), name
        for place, said in theirs.items():
            one = ours[place]
            assert (one.url, one.digest) == (said["url"], said["digest"]), name
            assert one.method == said.get("method", "GET")
            assert one.request_body == said.get("requestBody", ""), name


def test_the_nearest_is_found_as_if_every_line_were_read(tmp_path: Path) -> None:
    """Against the plain rule, over indexes where lines of one time, none and errors abound."""
    chance = random.Random(5)
    for number in range(150):
        times = [f"2020{chance.choice('01')}{digit}01000000000" for digit in "0123"]
        lines = []
        for offset in range(chance.choice((0, 1, 3, 20, 60))):
            said = {
                "url": chance.choice(("http://e.org/A", "http://e.org/a")),
                "status": chance.choice(("200", "404", "200")),
                "type": chance.choice(("response", "revisit", "metadata")),
                "offset": str(offset),
                "length": "1",
                "method": "GET",
            }
            lines.append(f"org,e)/a {chance.choice(times)} {json.dumps(said)}\n")
        lines += ["org,e)/ 20200101000000000 {}\n", "org,e)/a/b 20200101000000000 {}\n"]
        file = tmp_path / f"{number}.cdxj"
        file.write_text("".join(sorted(lines)))
        index = WarcIndex(tmp_path / "none.warc.gz", file)
        for near in (*times, "20200301120000000", "19990101000000000", "nonsense", ""):
            best = None
            for one in filter(None, map(parse_line, sorted(lines))):
                if one.url != "http://e.org/A" or one.type == "metadata":
                    continue
                rank = (plainly_apart(one.timestamp, near), one.status == 404)
                if best is None or rank < best[0]:
                    best = rank, one
            assert index.find("http://e.org/A", near=near) == (best and best[1])


def plainly_apart(timestamp: str, near: str) -> float:
    def moment(digits: str) -> datetime:
        return datetime.strptime(digits.ljust(20, "0"), "%Y%m%d%H%M%S%f").replace(tzinfo=UTC)

    try:
        return abs((moment(timestamp) - moment(near)).total_seconds())
    except ValueError:
        return float("inf")


def test_lines_are_found_in_both_directions(tmp_path: Path) -> None:
    file = tmp_path / "x"
    lines = [f"{letter} {number:04}" for letter in "bdf" for number in range(300)]
    file.write_text("".join(f"{line}\n" for line in lines))
    with open_lines(file) as found:
        for prefix in ("a", "b", "c", "d", "d 0100", "f", "f 0299", "g"):
            at = found.place_of(prefix.encode())
            here = [line for line in lines if line.startswith(prefix)]
            assert [one.decode() for one in found.onwards(at, prefix.encode())] == here
            before = [line for line in lines if line < prefix][::-1]
            assert [one.decode() for one in found.backwards(at, b"")] == before
