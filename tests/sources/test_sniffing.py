"""What `flow new` takes a sample for; and that what it takes it for is then read by the sources themselves."""

import openpyxl
import pytest

from counterfoil.errors import InputError
from counterfoil.sources import sniffing


def sniffed(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return sniffing.sniff(path)


@pytest.mark.parametrize(
    ("content", "delimiter", "encoding", "header_row"),
    [
        ("Order,Name\n1,José\n", ",", "utf-8", 1),
        (b"Order;Name\n1;Jos\xe9\n", ";", "cp1252", 1),
        ("Order\tName\n1\tJosé\n".encode("utf-16"), "\t", "utf-16-le", 1),
        ("Order|Name\n1|José\n".encode("utf-16-be"), "|", "utf-16-be", 1),
        ("Sales report\n2026\n\nOrder;Net;Name\n1;1,50;A\n2;2,50;B\n", ";", "utf-8", 4),
        ('Order;"Name, first"\n1;"a\nb"\n2;c\n', ";", "utf-8", 1),
        (b"a,b\n" + b"1,2\n" * 100_000 + b"3,\xe9\n", ",", "cp1252", 1),
    ],
)
def test_csv(tmp_path, content, delimiter, encoding, header_row):
    """Delimiter, encoding and header are those with which the file becomes a table."""
    found = sniffed(tmp_path, "a.csv", content)
    assert found.settings.kind == "csv"
    assert (found.settings.delimiter, found.settings.encoding, found.settings.header_row) == (
        delimiter,
        encoding,
        header_row,
    )
    assert found.columns[0] in {"Order", "a"}
    assert found.rows


@pytest.mark.parametrize(
    ("name", "content", "kind", "path", "explode"),
    [
        (
            "a.json",
            '{"meta":{"tags":["x"]},"data":{"invoices":[{"no":1,"lines":[{"a":1}]}]}}',
            "json",
            "data.invoices",
            "lines",
        ),
        ("a.json", '[{"a":1},{"a":2}]', "json", "", None),
        ("a.json", '{"few":[{"a":1}],"none":[],"many":[{"a":1},{"a":2}]}', "json", "many", None),
        ("a.txt", '{"a":1}\n{"a":2}\n', "jsonl", "", None),
        ("a.jsonl", '{"a":1,"order":{"lines":[{"q":1}]}}\n', "jsonl", "", "order.lines"),
    ],
)
def test_json(tmp_path, name, content, kind, path, explode):
    """The longest list of objects is taken for the records, their inner list for the lines."""
    found = sniffed(tmp_path, name, content).settings
    assert (found.kind, found.json_path, found.explode) == (kind, path, explode)


def test_excel(tmp_path):
    """The first sheet, and the first row that names columns."""
    book = openpyxl.Workbook()
    for row in ([], ["", ""], ["Order", "Total"], ["1", 5]):
        book.active.append(row)
    book.create_sheet("Other")
    book.save(tmp_path / "a.xlsx")
    found = sniffing.sniff(tmp_path / "a.xlsx")
    assert (found.settings.kind, found.settings.sheet, found.settings.header_row) == ("excel", "Sheet", 3)
    assert [row.cells for row in found.rows] == [{"Order": "1", "Total": "5"}]


def test_doubts_are_said(tmp_path):
    """Each guess that a person should look at has its sentence, and so has a row that cannot be read."""
    found = sniffed(tmp_path, "a.csv", b"Order ;Name\n1;Jos\xe9\n2;x;y\n")
    assert [note.partition(":")[0] for note in found.notes] == [
        "The file is not UTF-8",
        "Spaces around the columns' names are trimmed.",
        "a.csv",
    ]
    assert sniffed(tmp_path, "b.csv", "hello\nyou\n").notes == ("No delimiter makes more than one column of it.",)
    assert sniffed(tmp_path, "c.csv", b"\xef\xbb\xbfa,b\n1,2\n").has_byte_order_mark


@pytest.mark.parametrize(
    ("name", "content"), [("a.csv", ""), ("a.json", '{"a": 1}'), ("a.json", '{"a": ['), ("a.xlsx", b"PK\x03\x04")]
)
def test_what_no_source_could_read(tmp_path, name, content):
    """An empty file, JSON without a list, a broken workbook: an error with a remedy."""
    with pytest.raises(InputError) as error:
        sniffed(tmp_path, name, content)
    assert error.value.remedy
