"""JSON files: the list at a path, item by item, however large the file and however broken an item."""

import json
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterfoil import sources
from counterfoil.errors import InputError
from counterfoil.model.sheet import SheetRow
from counterfoil.settings.sources import SourceSettings
from counterfoil.sources import BadRow, files, splitting


def read(tmp_path, content, kind="json", **options):
    path = tmp_path / f"invoices.{kind}"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(sources.rows(SourceSettings(kind=kind, path=path, **options), path))


def test_objects_become_rows_with_dotted_names(tmp_path):
    """Numbers stand as written, true is a word, null and empty lists are blank; places are lines and items."""
    content = """{"data": {"count": 2, "invoices": [
      {"no": 1.50, "paid": true, "customer": {"name": "José", "vat": null}, "tags": ["a", "b"], "notes": []},
      {"no": 12345678901234567890, "x": -0.0, "y": 1E5}]}}"""
    first, second = read(tmp_path, content, json_path="data.invoices")
    assert first.cells == {
        "no": "1.50", "paid": "true", "customer.name": "José", "customer.vat": "", "tags.0": "a", "tags.1": "b",
        "notes": "",
    }  # fmt: skip
    assert second.cells == {"no": "12345678901234567890", "x": "-0.0", "y": "1E5"}
    assert [first.source, second.source] == ["invoices.json:2, item 1", "invoices.json:3, item 2"]
    assert first.group is None


@pytest.mark.parametrize(("kind", "options"), [("json", {"json_path": "all"}), ("jsonl", {})])
def test_an_inner_list_becomes_rows_that_share_a_group(tmp_path, kind, options):
    """Each item is a row with the object's own columns; an object without items is a row too, so that it is not lost."""
    objects = [{"no": 1, "order": {"to": "A", "lines": [{"sku": "x"}, {"sku": "y"}]}}, {"no": 2, "order": {"to": "B"}}]
    content = json.dumps({"all": objects}) if kind == "json" else "\n".join(map(json.dumps, objects))
    rows = read(tmp_path, content, kind, explode="order.lines", **options)
    assert [row.cells for row in rows] == [
        {"no": "1", "order.to": "A", "order.lines.sku": "x"},
        {"no": "1", "order.to": "A", "order.lines.sku": "y"},
        {"no": "2", "order.to": "B"},
    ]
    assert rows[0].group == rows[1].group
    assert rows[2].group not in {None, rows[0].group}
    assert len({row.source for row in rows}) == 3


@pytest.mark.parametrize(
    ("item", "explode", "cause", "words"),
    [
        ("17", None, "broken-json", "not an object: 17"),
        ('{"a": tru}', None, "broken-json", "The item is not JSON"),
        ('{"a": 1, "a": 2}', None, "duplicate-key", "`a` stands twice"),
        ('{"a.b": 1, "a": {"b": 2}}', None, "wrong-shape", "`a.b` is the name of two values"),
        ('{"a": 1, "lines": 5}', "lines", "wrong-shape", "`lines` is not a list"),
        ('{"a": 1, "lines": [5]}', "lines", "wrong-shape", "has an item that is not an object"),
        ('{"lines": [' + ",".join(['{"q":1}'] * 1001) + "]}", "lines", "wrong-shape", "1,001 items; at most 1,000"),
        ('{"a": [' + ",".join(["1"] * 501) + "]}", None, "too-many-fields", "more than 500"),
        ('{"a": "' + "x" * (1 << 20) + '"}', None, "line-too-long", "at most 1,048,576"),
        ('{"a":' * 500 + "1" + "}" * 500, None, "", ""),
        ('{"a": "caf\xe9"}', None, "bad-utf8", "not UTF-8"),
    ],
)
def test_a_bad_item_says_why_and_the_others_go_on(tmp_path, item, explode, cause, words):
    """What is wrong with one item is said of that item; those before and after it are read."""
    content = f'[{{"x": 1}},\n{item},\n{{"y": 2}}]'.encode("latin-1")
    first, bad, last = read(tmp_path, content, explode=explode)
    assert (first.cells, last.cells) == ({"x": "1"}, {"y": "2"})
    assert last.source == "invoices.json:3, item 3"
    if cause:
        assert (bad.source, bad.finding.cause) == ("invoices.json:2, item 2", cause)
        assert words in bad.finding.reason
        assert bad.finding.remedy


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"a":[{"x":1},{"y":', "the file ends inside an item"),
        ('{"a":[{"x":1}', "the file ends too early"),
        ('{"a":[{"x":1}]', "the file ends too early"),
        ('{"a":[{"x":1}],"b":"open', "the file ends inside a text"),
        ('{"a":[{"x":1}],"a":[{"x":2}]}', "The key `a` stands twice"),
        ('{"a":[{"x":1} {"x":2}]}', "`{` stands where `,` should"),
        ('{"a":[{"x":1},]}', "a value is missing before `]`"),
        ('{"a":[{"x":1}]} {}', "something stands after the end"),
    ],
)
def test_a_file_that_breaks_off_gives_what_stands_before_and_says_so(tmp_path, content, words):
    """A half download, two files in one, a list that is there twice: never silently less, never twice."""
    good, bad = read(tmp_path, content, json_path="a")
    assert good.cells == {"x": "1"}
    assert isinstance(bad, BadRow)
    assert words in bad.finding.reason


@pytest.mark.parametrize(
    ("content", "path", "words"),
    [
        ("", "", "the file is not JSON"),
        ("hello", "", "is not a list"),
        ('{"invoices": [], "n": 1}', "", "is an object, not a list. Lists in it: `invoices`"),
        ('{"invoices": []}', "invoice", "has no `invoice`. Did you mean `invoices`?"),
        ('{"a": {"b": 3}}', "a.b.c", "`a.b` is not an object, so there is no `c` in it"),
        ('{"a": 3}', "a", "`a` is not a list"),
        ("[{}]".encode("utf-16"), "", "JSON is read in UTF-8"),
    ],
)
def test_a_file_without_the_list_is_an_error(tmp_path, content, path, words):
    """The error names file and line, and what there is instead."""
    with pytest.raises(InputError) as error:
        read(tmp_path, content, json_path=path)
    assert words in str(error.value)
    assert "invoices.json, line 1" in str(error.value)


@pytest.mark.parametrize("content", ["[]", " [ ] ", '{"a": null}', '{"a": [ ]}', b"\xef\xbb\xbf[]"])
def test_nothing(tmp_path, content):
    """An empty list, and null where one would be, have no rows."""
    assert read(tmp_path, content, json_path="a" if b"a" in str(content).encode() else "") == []


def test_a_large_file_is_not_held(tmp_path):
    """12 MB of list and 12 MB of something else beside it are read within a few MB of memory."""
    item = json.dumps({"no": 1, "text": "x" * 1_000})
    path = tmp_path / "large.json"
    path.write_text('{"junk": {"a": "' + "y\\\\" * 4_000_000 + '"}, "all": [' + ",\n".join([item] * 12_000) + "]}")
    found = SourceSettings(kind="json", path=path, json_path="all")
    tracemalloc.start()
    count = sum(1 for _ in sources.rows(found, path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 12_000
    assert peak < 8_000_000


def test_columns_are_the_union_of_the_first_objects(tmp_path):
    """JSON has no header: the names that the first hundred objects use, in the order in which they turn up."""
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"a": 1, "lines": [{"q": 1}] * 3}] * 60 + [{"b": 1}] * 40 + [{"late": 1}]))
    found = SourceSettings(kind="json", path=path, explode="lines")
    assert sources.columns(found, path) == ("a", "lines.q", "b")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10) | st.decimals(allow_nan=False, allow_infinity=False).map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    items=st.lists(st.dictionaries(st.text(min_size=1, max_size=5), JSON, max_size=3), max_size=5),
    around=JSON,
    indent=st.sampled_from([None, 1]),
    chunk=st.integers(1, 40),
)
def test_items_are_split_wherever_the_chunks_end(tmp_path, items, around, indent, chunk):
    """Strings with brackets, escapes and line breaks, cut anywhere: each item comes out as it went in."""
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"before": around, "all": items, "after": around}, indent=indent), encoding="utf-8")
    with path.open("rb") as file, pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "CHUNK_BYTES", chunk)
        scan = splitting.Scanner(file)
        found = {key: scan.value() for key in scan.members()}
        assert json.loads(found["all"].raw) == items
        assert json.loads(found["after"].raw) == around
        assert scan.peek() == b""
    rows = sources.rows(SourceSettings(kind="json", path=path, json_path="all"), path)
    assert len(list(rows)) == len(items)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=100) | st.text(alphabet='{}[]":,a1 \\\n', max_size=60).map(str.encode))
def test_any_bytes(tmp_path, content):
    """Whatever the file holds, there are rows and bad rows, or one InputError."""
    try:
        rows = read(tmp_path, b'[{"a":1},' + content)
    except InputError:
        return
    assert isinstance(rows[0], SheetRow)
