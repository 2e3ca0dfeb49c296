import hashlib
import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterfoil.errors import InputError
from counterfoil.sources import Row, jsonl


def rows(tmp_path, content):
    path = tmp_path / "sales.jsonl"
    path.write_bytes(content)
    return list(jsonl.read(path))


def test_good_lines(tmp_path):
    """Line ends of both kinds, a byte order mark, blank lines and a missing last line end are all fine."""
    found = rows(tmp_path, b'\xef\xbb\xbf{"a":1}\r\n\n  \r\n{"b":2}\n{"c":3}')
    assert [(row.source, row.raw) for row in found] == [
        ("sales.jsonl:1", b'{"a":1}'),
        ("sales.jsonl:4", b'{"b":2}'),
        ("sales.jsonl:5", b'{"c":3}'),
    ]
    assert found[0].hash == hashlib.sha256(b'{"a":1}').hexdigest()


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_nothing(tmp_path, content):
    """An empty file has no rows."""
    assert rows(tmp_path, content) == []


@pytest.mark.parametrize(
    ("line", "cause", "words"),
    [
        (b'{"a":1', "broken-json", "it ends too early"),
        (b'{"a":1}}', "broken-json", "trailing characters (byte 8)"),
        (b"{'a':1}", "broken-json", "(byte 1)"),
        (b"[1]", "broken-json", "not an object: [1]"),
        (b'"\\u001b"', "broken-json", 'not an object: "\\u001b"'),
        (b'{"a":' + b"9" * 5_000 + b"}", "broken-json", "Integer value out of range"),
        (b'{"\\u001b":1,"\\u001b":2}', "duplicate-key", "`\N{REPLACEMENT CHARACTER}` stands twice"),
        (b"17", "broken-json", "not an object"),
        (b"[" * 100_000, "broken-json", "too deeply"),
        (b'{"a":"\\ud800"}', "broken-json", "half a character"),
        (b'{"a":"caf\xe9"}', "bad-utf8", "Byte 10 of the line is not UTF-8"),
        (b'{"a":1,"a":2}', "duplicate-key", "`a` stands twice"),
        (b'{"a":{"b":1,"b":1}}', "duplicate-key", "`b` stands twice"),
        (b'{"a":[{"b" : 1,"\\u0062":1}]}', "duplicate-key", "`b` stands twice"),
        (b'{"a":1,"a":"\\u003a"}', "duplicate-key", "`a` stands twice"),
    ],
)
def test_bad_lines(tmp_path, line, cause, words):
    """A bad line says where and why; the lines around it are read."""
    first, bad, last = rows(tmp_path, b'{"x":1}\n' + line + b'\n{"y":2}\n')
    assert (bad.source, bad.finding.cause) == ("sales.jsonl:2", cause)
    assert words in bad.finding.reason
    assert bad.finding.remedy
    assert (first.raw, last.source) == (b'{"x":1}', "sales.jsonl:3")


@pytest.mark.parametrize("line", [b'{"a":"\\":1"}', b'{"a":"x\\": \\"b\\": 1"}', b'{"a":"b","b":"a\\":"}'])
def test_colons_inside_texts_are_no_keys(tmp_path, line):
    """A text that looks like a key twice is still a good row."""
    assert [type(row) for row in rows(tmp_path, line)] == [Row]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_the_longest_line(tmp_path, end):
    """A line of exactly the bound is read, one byte more is not."""
    longest = b'{"a":"' + b"x" * (jsonl.LINE_BYTES_MAX - 8) + b'"}'
    assert [type(row) for row in rows(tmp_path, longest + end)] == [Row]
    (bad,) = rows(tmp_path, b" " + longest + end)
    assert bad.finding.cause == "line-too-long"


def test_a_gigantic_line_is_not_held(tmp_path):
    """A line far beyond the bound costs no memory; what follows it is read, and the bytes are told."""
    path = tmp_path / "sales.jsonl"
    size = 1 << 28
    with path.open("wb") as file:
        file.seek(size)  # a hole of zeros, which takes no disk; a gigabyte is only slower
        file.write(b'\n{"a":1}\n')
    told = []
    tracemalloc.start()
    bad, good = jsonl.read(path, told.append)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (bad.source, bad.finding.cause, good.source) == ("sales.jsonl:1", "line-too-long", "sales.jsonl:2")
    assert f"{size + 1:,} bytes" in bad.finding.reason
    assert peak < 8 * jsonl.LINE_BYTES_MAX
    assert told == [size + 1, size + 9]


def test_the_same_bad_line_has_the_same_hash(tmp_path):
    """A bad row is known again by its content, also one that was never held."""
    long = b"x" * (jsonl.LINE_BYTES_MAX + 9)
    first, second, other = rows(tmp_path, b"\n".join([long, long, long + b"y"]))
    assert first.content_hash == second.content_hash != other.content_hash


def test_progress(tmp_path):
    """The bytes done add up to the file, and its size can be asked before."""
    told = []
    path = tmp_path / "sales.jsonl"
    path.write_bytes(b'{"a":1}\r\nbad\n{"b":1}')
    list(jsonl.read(path, told.append))
    assert (told, jsonl.total_bytes(path)) == ([9, 13, 20], 20)
    assert jsonl.total_bytes(tmp_path / "none") is None


def test_files_that_cannot_be_read(tmp_path):
    """No file, a folder, a file without permission: one error each that says so."""
    closed = tmp_path / "closed.jsonl"
    closed.write_bytes(b"{}")
    closed.chmod(0)
    cases = [
        (tmp_path / "none.jsonl", "There is no file"),
        (tmp_path, "is a folder"),
        (Path("a\0b"), "no path may have"),
    ]
    if os.geteuid() != 0:  # root may read everything
        cases.append((closed, "may not be read"))
    for path, words in cases:
        with pytest.raises(InputError, match=words):
            list(jsonl.read(path))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300) | st.text(alphabet='{}[]":,a1 \n\r\\u', max_size=120).map(str.encode))
def test_any_bytes(tmp_path, content):
    """Whatever the file holds, every line that is not blank gives one row, in order, and nothing is raised."""
    found = rows(tmp_path, content)
    bare = content.removeprefix(b"\xef\xbb\xbf")
    assert len(found) == sum(1 for line in bare.split(b"\n") if line.strip(b"\r") and not line.strip(b"\r").isspace())
    numbers = [int(row.source.rpartition(":")[2]) for row in found]
    assert numbers == sorted(set(numbers))
