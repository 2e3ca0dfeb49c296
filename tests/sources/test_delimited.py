"""CSV: what comes out of it, what is refused of it, and that one bad row never takes others with it."""

import csv
import io
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from counterfoil import sources
from counterfoil.errors import InputError
from counterfoil.model.sheet import SheetRow
from counterfoil.settings.sources import SourceSettings
from counterfoil.sources import BadRow, encodings

BOM = "\N{BYTE ORDER MARK}"


def source(tmp_path: Path, content: str | bytes, **options) -> SourceSettings:
    path = tmp_path / "orders.csv"
    encoding = options.get("encoding", "utf-8")
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return SourceSettings(kind="csv", path=path, **options)


def read(tmp_path, content, **options):
    found = source(tmp_path, content, **options)
    return list(sources.rows(found, found.path))


def told(rows):
    """Each row short: (line, cells as one text) or (line, cause of its refusal)."""
    return [
        (
            int(row.source.rpartition(":")[2]),
            "|".join(row.cells.values()) if isinstance(row, SheetRow) else row.finding.cause,
        )
        for row in rows
    ]


def test_rows_are_named_by_the_header(tmp_path):
    """A row's cells go by the trimmed names of the header; its place is file and line; blanks are empty."""
    (row,) = read(tmp_path, 'Order , Item,Note\n#1001,"5"" pipe, steel",  \n')
    assert row.source == "orders.csv:2"
    assert row.cells == {"Order": "#1001", "Item": '5" pipe, steel', "Note": ""}
    assert row.group is None


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a,b\r\n1,2\r\n3,4\r\n", [(2, "1|2"), (3, "3|4")]),
        ("a,b\r1,2\r3,4", [(2, "1|2"), (3, "3|4")]),
        ("a,b\n1,2\n\n   \n,\n3,4", [(2, "1|2"), (6, "3|4")]),
        ('a,b\n1,"x\ny\r\nz"\n3,4\n', [(2, "1|x\ny\r\nz"), (5, "3|4")]),
        ("a,b,,\n1,2,,\n3,4\n", [(2, "1|2"), (3, "3|4")]),
        ('a,b\n1,5" pipe\n', [(2, '1|5" pipe')]),
        (BOM + "a,b\n1,2\n", [(2, "1|2")]),
        ("a,b\n", []),
    ],
)
def test_line_ends_blank_lines_and_quotes(tmp_path, content, expected):
    """CRLF, LF and CR end lines; blank rows are skipped but counted; a cell may hold line breaks and loose quotes."""
    assert told(read(tmp_path, content)) == expected


@pytest.mark.parametrize(
    ("row", "cause", "words"),
    [
        ("1", "row-ragged", "The row has 1 cell, the header 2 columns."),
        ("1,2,3", "row-ragged", "The row has 3 cells, the header 2 columns."),
        ("1,\0", "nul-character", "NUL"),
        ("1," + "x" * (1 << 20), "line-too-long", "more than 1,048,576 characters"),
        ('1,"x"y', "quote-broken", "up to this line the quotes do not fit together"),
    ],
)
def test_a_bad_row_says_why_and_the_others_go_on(tmp_path, row, cause, words):
    """What is wrong with one row is said of that row; those before and after it are read."""
    first, bad, last = read(tmp_path, f"a,b\n1,2\n{row}\n3,4\n")
    assert (bad.source, bad.finding.cause) == ("orders.csv:3", cause)
    assert words in bad.finding.reason
    assert bad.finding.remedy
    assert told([first, last]) == [(2, "1|2"), (4, "3|4")]


def test_a_bad_row_still_says_what_could_be_read_of_it(tmp_path):
    """So that the order which now lacks a line can be found: cells that could not be read are missing, not wrong."""
    rows = read(tmp_path, b'Order,Name,Total\n1,Jos\xe9,5\n2,x\n3,"open,7\n')
    assert [row.cells for row in rows] == [{"Order": "1", "Total": "5"}, {"Order": "2", "Name": "x"}, {"Order": "3"}]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('a,b\n1,"x\n3,4\n5,6\n', [(2, "quote-broken"), (3, "3|4"), (4, "5|6")]),
        ('a,b\n1,"x\n3,4\n5,"6"\n7,8\n', [(2, "quote-broken"), (3, "3|4"), (4, "5|6"), (5, "7|8")]),
        ('a,b\n1,"he said "hi"\n42,yes\nbye"\n5,6\n', [(2, "quote-broken"), (3, "quote-in-doubt"), (4, "quote-in-doubt"), (5, "5|6")]),
        ('a,b\n1,"x\n3,4\n5,"y\n7,8\n', [(2, "quote-broken"), (3, "quote-in-doubt"), (4, "quote-broken"), (5, "7|8")]),
    ],
)  # fmt: skip
def test_after_a_broken_quote_no_row_is_made_up(tmp_path, content, expected):
    """A quote that never closes costs its own line; lines that may be the inside of its cell make no rows."""
    assert told(read(tmp_path, content)) == expected


def test_a_quote_that_would_swallow_the_file_costs_one_line(tmp_path):
    """Rows after an open quote are read although more than the bound follows."""
    lines = "".join(f"{n},{'x' * 100}\n" for n in range(12_000))
    rows = read(tmp_path, 'a,b\n1,"open\n' + lines)
    assert told(rows[:1]) == [(2, "quote-broken")]
    assert [row.cells["a"] for row in rows[1:]] == [str(n) for n in range(12_000)]


def test_too_many_broken_quotes_end_the_reading(tmp_path):
    """A file of nothing but open quotes is given up, and the last row says from where."""
    rows = read(tmp_path, "a,b\n" + "".join(f'{n}","{"x" * 1_000}\n' for n in range(2_000)))
    assert rows[-1].finding.reason.startswith("From this line on nothing was read")
    assert len(rows) < 100


def test_a_gigantic_line_is_not_held(tmp_path):
    """A line of 16 MB is skipped within a few MB of memory."""
    found = source(tmp_path, "a,b\n" + "1," + "x" * 16_000_000 + "\n3,4\n")
    tracemalloc.start()
    rows = list(sources.rows(found, found.path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert told(rows) == [(2, "line-too-long"), (3, "3|4")]
    assert peak < 12_000_000


def test_the_longest_line(tmp_path):
    """A line of exactly the bound is read, whatever ends it."""
    longest = "1," + "x" * (sources.ROW_BYTES_MAX - 2)
    for end in ("\r\n", "\n", ""):
        (row,) = read(tmp_path, "a,b\n" + longest + end)
        assert len(row.cells["b"]) == sources.ROW_BYTES_MAX - 2


@pytest.mark.parametrize(
    "encoding", ["utf-8", "cp1252", "iso-8859-15", "utf-16-le", "utf-16-be", "mac_roman", "shift_jis"]
)
def test_encodings(tmp_path, encoding):
    """A file in the configured encoding is read; quotes, breaks and names in it too."""
    name = "ヤマダ" if encoding == "shift_jis" else "José Müller"
    (row,) = read(tmp_path, f'Order,Käufer\n1,"{name}\nx"\n'.replace("ä", "a"), encoding=encoding)
    assert row.cells == {"Order": "1", "Kaufer": f"{name}\nx"}


def test_utf16_with_its_mark(tmp_path):
    """UTF-16 as Windows writes it: the mark says which byte comes first."""
    content = (BOM + "Order;Käufer\r\n1;Жуков\r\n").encode("utf-16-le")
    assert told(read(tmp_path, content, encoding="utf-16", delimiter=";")) == [(2, "1|Жуков")]


@pytest.mark.parametrize(
    ("encoding", "bad", "value"),
    [
        ("utf-8", b"\xe9", "0xe9"),
        ("cp1252", b"\x81", "0x81"),
        ("utf-16-le", b"\x00\xd8", "0x00"),
        ("ascii", b"\xff", "0xff"),
    ],
)
def test_a_byte_that_does_not_fit_spoils_its_own_row_only(tmp_path, encoding, bad, value):
    """The row names column, byte and encoding; the rows around it are read."""
    mark, good = "a,b\n1,", "2\n3,x"
    content = mark.encode(encoding) + bad + f"\n{good}\n".encode(encoding)
    bad_row, *others = read(tmp_path, content, encoding=encoding)
    assert (bad_row.source, bad_row.finding.field, bad_row.finding.value) == ("orders.csv:2", "b", value)
    assert encoding in bad_row.finding.reason
    assert told(others) == [(3, "row-ragged"), (4, "3|x")]


def test_utf8_read_as_cp1252_is_noticed(tmp_path):
    """Every byte fits cp1252, so the wrong letters are what gives it away; they never reach a customer's name."""
    content = "Order,Name\n1,Jane\n2,José\n".encode()
    good, bad = read(tmp_path, content, encoding="cp1252")
    assert good.cells["Name"] == "Jane"
    assert (bad.finding.cause, bad.finding.value) == ("looks-like-utf8", "JosÃ©")
    assert 'encoding = "utf-8"' in bad.finding.remedy


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        ("", {}, "ends before its header"),
        ("\na,b\n", {}, "no column names"),
        ("a,,b\n", {}, "column 2, after `a` has no name"),
        ("a,b, a\n", {}, "the column `a` is there twice, as column 1 and 3"),
        (",".join(f"c{n}" for n in range(501)), {}, "501 columns; at most 500"),
        ("Order;Name;Total\n1;2;3\n", {}, "delimiter = ',' makes one column"),
        ("Order\tName\n", {"delimiter": ";"}, 'A tab seems to stand between its names: write delimiter = "\\t"'),
        (b"\xff\xfea\0,\0b\0\n\0", {}, 'Write encoding = "utf-16-le"'),
        (b"\xef\xbb\xbfa,b\n", {"encoding": "cp1252"}, "byte order mark of utf-8, but `encoding` is cp1252"),
        (b"a\0,\0b\0\n\0", {}, "in UTF-16 every other byte is one"),
        (b"a,b\n", {"encoding": "utf-16"}, "which byte comes first"),
        (b"K\xe4ufer,b\n", {}, "The byte 0xe4 is not utf-8"),
        ("Käufer,b\n".encode(), {"encoding": "cp1252"}, "is UTF-8 that was read as cp1252"),
        ("a,b\n", {"encoding": "base64"}, "is no encoding of text"),
        ("a,b\n", {"header_row": 4}, "the file has 1 lines; header_row is 4"),
        ('a,"b\n1,2\n', {}, "the quotes do not fit together"),
    ],
)
def test_a_file_that_is_not_as_configured_is_an_error(tmp_path, content, options, words):
    """Nothing is guessed: the error names the file, the line, what is so and what to write."""
    path = tmp_path / "orders.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    found = SourceSettings(kind="csv", path=path, **options)
    with pytest.raises(InputError) as error:
        list(sources.rows(found, path))
    assert words in str(error.value)
    assert error.value.remedy
    with pytest.raises(InputError):
        sources.columns(found, path)


def test_the_header_may_stand_further_down(tmp_path):
    """Lines above `header_row` are skipped, and the numbers are still those of the file."""
    found = source(tmp_path, "Export of 1 November\n\nOrder,Total\n1,5\n", header_row=3)
    assert sources.columns(found, found.path) == ("Order", "Total")
    assert told(sources.rows(found, found.path)) == [(4, "1|5")]


def test_without_quotes(tmp_path):
    """quote = "" takes every quote as it stands."""
    assert told(read(tmp_path, 'a|b\n1|"x\n3|4\n', delimiter="|", quote="")) == [(2, '1|"x'), (3, "3|4")]


def test_the_hash_is_of_what_the_row_says(tmp_path):
    """Columns that move, or come and are blank, and other quotes change no hash; another value does."""
    first, other = read(tmp_path, "a,b\n1,2\n1,3\n")
    (again,) = read(tmp_path, 'c,b,a\n,"2",1\n')
    assert again.hash == first.hash
    assert other.hash != first.hash


def test_progress_ends_at_the_file_s_size(tmp_path):
    """The bar that is drawn from it arrives."""
    told_bytes: list[int] = []
    found = source(tmp_path, "a,b\n" + "1,2\n" * 1_000)
    assert len(list(sources.rows(found, found.path, told_bytes.append))) == 1_000
    assert told_bytes[-1] == found.path.stat().st_size


UNICODE = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32")
OTHERS = ("cp1252", "iso-8859-1", "cp1251", "cp437", "gb18030", "shift_jis")
SPECIAL = list("\",;\t|\n\r '")


def letters(encoding):
    """Characters of the encoding: any of Unicode's, or a choice of what the old ones have."""
    if encoding in UNICODE:
        return st.characters(exclude_characters="\0", exclude_categories=["Cs"]) | st.sampled_from(SPECIAL)
    choice = [letter for letter in "aZ0éßÄ€£œЖя山ヤ" if letter.encode(encoding, "ignore")]
    return st.sampled_from([*choice, *SPECIAL])


CELLS = {encoding: st.text(letters(encoding), max_size=8) for encoding in (*UNICODE, *OTHERS)}


@st.composite
def tables(draw):
    """(encoding, rows of equally many cells)."""
    encoding = draw(st.sampled_from(sorted(CELLS)))
    width = draw(st.integers(2, 5))
    return encoding, draw(st.lists(st.lists(CELLS[encoding], min_size=width, max_size=width), max_size=6))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=tables(), delimiter=st.sampled_from([",", ";", "\t", "|"]), end=st.sampled_from(["\r\n", "\n"]))
def test_what_a_csv_writer_wrote_comes_back(tmp_path, table, delimiter, end):
    """Any rows, delimiter and encoding: each row that is not blank comes back equal, in order."""
    encoding, written = table
    names = [f"c{n}" for n in range(len(written[0]) if written else 2)]
    text = io.StringIO(newline="")
    quoting = csv.QUOTE_MINIMAL if end == "\r\n" else csv.QUOTE_ALL  # with "\n" the writer leaves a bare CR unquoted
    csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows([names, *written])
    content = text.getvalue()
    texts = [delimiter.join(cells) for cells in written] + [cell for cells in written for cell in cells]
    assume(all(text.isascii() or encodings.misfit(text, encoding) is None for text in texts))
    rows = read(tmp_path, content, encoding=encoding, delimiter=delimiter)
    kept = [["" if cell.isspace() else cell for cell in cells] for cells in written]
    assert [list(row.cells.values()) for row in rows] == [cells for cells in kept if any(cells)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    spoilt=st.sets(st.integers(0, 29)),
    junk=st.binary(min_size=1, max_size=5),
    encoding=st.sampled_from(["utf-8", "cp1252"]),
)
def test_broken_bytes_never_lose_good_rows(tmp_path, spoilt, junk, encoding):
    """Whatever bytes stand in some rows, every other row is read."""
    assume(not set(junk) & set(b'\r\n"'))
    lines = [b"%d,%b" % (n, junk if n in spoilt else b"fine") for n in range(30)]
    rows = read(tmp_path, b"a,b\n" + b"\n".join(lines), encoding=encoding)
    good = [row.cells["a"] for row in rows if isinstance(row, SheetRow) and row.cells["b"] == "fine"]
    assert good == [str(n) for n in range(30) if n not in spoilt]
    assert len(rows) == 30


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200) | st.text(alphabet='",;a1 \n\r\0é', max_size=80).map(str.encode))
def test_any_bytes(tmp_path, content):
    """Whatever the file holds, rows come in the order of their lines and nothing but InputError is raised."""
    try:
        rows = read(tmp_path, b"a,b\n" + content)
    except InputError:
        return
    numbers = [int(row.source.rpartition(":")[2]) for row in rows]
    assert numbers == sorted(set(numbers))
    assert all(isinstance(row, SheetRow | BadRow) for row in rows)
