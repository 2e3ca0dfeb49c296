"""Workbooks: what a cell is as text, and that no error, formula or stray cell is taken for a blank."""

import datetime
import io
import zipfile
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil import sources
from counterfoil.errors import InputError
from counterfoil.model.sheet import SheetRow
from counterfoil.settings.sources import SourceSettings
from counterfoil.sources import excel, workbook


def written(tmp_path, rows, **more_sheets):
    """A workbook whose first sheet holds these rows."""
    book = openpyxl.Workbook()
    book.active.title = "Orders"
    for row in rows:
        book.active.append(row)
    for name, others in more_sheets.items():
        sheet = book.create_sheet(name)
        for row in others:
            sheet.append(row)
    path = tmp_path / "orders.xlsx"
    book.save(path)
    return path


def read(path, **options):
    return list(sources.rows(SourceSettings(kind="excel", path=path, **options), path))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "5"), (5.0, "5"), (-12.5, "-12.5"), (0.1 + 0.2, "0.3"), (19.99, "19.99"), (1e20, "1" + "0" * 20),
        (0.00001, "0.00001"), (1234567.891, "1234567.891"), (True, "true"), (False, "false"), ("007", "007"),
        ("  ", ""), (" x ", " x "), (datetime.date(2026, 11, 1), "2026-11-01"),
        (datetime.datetime(2026, 11, 1, 10, 0), "2026-11-01T10:00:00"), (datetime.time(9, 30), "09:30:00"),
        (datetime.timedelta(hours=30, minutes=5), "30:05:00"),
    ],
)  # fmt: skip
def test_cells_as_text(tmp_path, value, text):
    """Dates are ISO, whole numbers have no point, no number an exponent or the dust of binary fractions."""
    (row,) = read(written(tmp_path, [["a", "b"], ["x", value]]))
    assert row.cells == {"a": "x", "b": text}
    assert row.source == "orders.xlsx:2"


def test_sheets_headers_and_blank_rows(tmp_path):
    """A sheet by name, a header further down and to the right, blank rows skipped, numbers as Excel shows them."""
    path = written(
        tmp_path, [["a"], ["1"]], Lines=[[], ["", "Report"], ["", "Order", "Qty"], ["", "1", 2], [], ["", "3", 4]]
    )
    rows = read(path, sheet="Lines", header_row=3)
    assert [(row.source, *row.cells.values()) for row in rows] == [
        ("orders.xlsx:4", "1", "2"),
        ("orders.xlsx:6", "3", "4"),
    ]
    assert [row.cells for row in read(path)] == [{"a": "1"}]
    assert sources.columns(SourceSettings(kind="excel", path=path, sheet="Lines", header_row=3), path) == (
        "Order",
        "Qty",
    )


def test_an_error_is_not_a_blank(tmp_path):
    """#N/A in a price, a formula that no program computed, and a value under no name: the row says which cell."""
    path = written(tmp_path, [["a", "b"], ["1", "#N/A"], ["2", "=1+1"], ["3", "x", "stray"], ["4", "5"]])
    first, second, third, last = read(path)
    assert [row.finding.cause for row in (first, second, third)] == ["cell-error", "cell-error", "row-ragged"]
    assert "B2 holds an error such as #N/A" in first.finding.reason
    assert "B3 holds a formula that was never computed" in second.finding.reason
    assert "C4 stands in a column without a name" in third.finding.reason
    assert first.cells == {"a": "1"}
    assert last.cells == {"a": "4", "b": "5"}


def test_a_formula_whose_result_is_blank_is_a_blank(tmp_path):
    """`=IF(…, "")` is common: Excel saves its result as an empty text."""
    path = written(tmp_path, [["a", "b"], ["1", "=X"]])
    changed = tmp_path / "changed.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            content = old.read(name).replace(b'<c r="B2"><f>X</f><v />', b'<c r="B2" t="str"><f>X</f><v></v>')
            new.writestr(name, content)
    (row,) = read(changed)
    assert row.cells == {"a": "1", "b": ""}


def test_a_stray_cell_far_away_does_not_end_the_process(tmp_path):
    """The sheet's rectangle has a bound, looked at before memory is taken for it."""
    book = openpyxl.Workbook()
    book.active["A1"], book.active["XFD1048576"] = "a", "stray"
    book.save(tmp_path / "far.xlsx")
    with pytest.raises(InputError, match="row 1,048,576 and column 16,384"):
        read(tmp_path / "far.xlsx")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sheet": "orders"}, "Did you mean `Orders`?"),
        ({"header_row": 9}, "there are no column names"),
        ({"sheet": "Twice"}, "the column `a` is there twice"),
        ({"sheet": "Empty"}, "there are no column names"),
    ],
)
def test_a_workbook_that_is_not_as_configured_is_an_error(tmp_path, options, words):
    """The error names the file, the sheet and the row."""
    with pytest.raises(InputError) as error:
        read(written(tmp_path, [["a", "b"], ["1", "2"]], Twice=[["a", "a"]], Empty=[]), **options)
    assert words in str(error.value)
    assert "orders.xlsx" in str(error.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a,b\n1,2\n", "is no Excel workbook"),
        (b"", "is no Excel workbook"),
        (b"PK\x03\x04broken", "cannot be read"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "cannot be read"),
    ],
)
def test_a_file_that_is_no_workbook(tmp_path, content, words):
    """Broken or something else: one error, and nothing of the library's."""
    path = tmp_path / "orders.xlsx"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        read(path)
    with pytest.raises(InputError, match="There is no file"):
        read(tmp_path / "none.xlsx")


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/worksheets/sheet1.xml"])
def test_a_damaged_part_is_an_unreadable_file(tmp_path, part):
    """Bytes that the zip's own checksum contradicts: one error in our words, whichever part they are in."""
    path = written(tmp_path, [["a", "b"], *[[str(n), n] for n in range(50)]])
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(part)
        begin = info.header_offset + 30 + len(part) + 8
    content = bytearray(path.read_bytes())
    content[begin : begin + 20] = b"\xff" * 20
    path.write_bytes(content)
    with pytest.raises(InputError, match="cannot be read"):
        workbook.flaws(path, 0)


@pytest.mark.parametrize("mistake", [RuntimeError, OSError, EOFError])
@pytest.mark.parametrize(("module", "name"), [(workbook, "row_number"), (workbook, "_part"), (excel, "text_of")])
def test_a_mistake_of_ours_is_not_told_as_an_unreadable_file(tmp_path, monkeypatch, module, name, mistake):
    """Only what the libraries say of the file is; an error in our own code stays what it is."""

    def mistaken(*_given):
        raise mistake("ours")

    monkeypatch.setattr(module, name, mistaken)
    with pytest.raises(mistake, match="ours"):
        read(written(tmp_path, [["a", "b"], ["1", "#N/A"]]))


def test_bounds_of_the_file(tmp_path, monkeypatch):
    """A workbook that is too large, packed or unpacked, is refused before it is opened."""
    path = written(tmp_path, [["a"], ["1"]])
    monkeypatch.setattr(workbook, "UNPACKED_BYTES_MAX", 100)
    with pytest.raises(InputError, match="unpacks to"):
        read(path)
    monkeypatch.setattr(workbook, "FILE_BYTES_MAX", 100)
    with pytest.raises(InputError, match="Save it as CSV"):
        read(path)


ODS = """<?xml version="1.0" encoding="UTF-8"?><office:document-content
 xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0" office:version="1.3">
<office:body><office:spreadsheet><table:table table:name="S"><table:table-row><table:table-cell office:value-type="string"><text:p>Total</text:p></table:table-cell></table:table-row><table:table-row>{cell}</table:table-row></table:table></office:spreadsheet></office:body></office:document-content>"""
MANIFEST = """<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">
<manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/></manifest:manifest>"""


def open_document(tmp_path, cell):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", ODS.format(cell=cell))
        archive.writestr("META-INF/manifest.xml", MANIFEST)
    path = tmp_path / "orders.ods"
    path.write_bytes(content.getvalue())
    return path


def test_open_document(tmp_path):
    """.ods is read as well; with an error in it, whose row cannot be told, it is refused as a whole."""
    good = '<table:table-cell office:value-type="float" office:value="12.50"><text:p>12.5</text:p></table:table-cell>'
    assert [row.cells for row in read(open_document(tmp_path, good))] == [{"Total": "12.5"}]
    bad = '<table:table-cell office:value-type="string" calcext:value-type="error"><text:p>#N/A</text:p></table:table-cell>'
    with pytest.raises(InputError, match="cells that hold an error"):
        read(open_document(tmp_path, bad))


@given(value=st.decimals(min_value=-(10**9), max_value=10**9, places=4))
def test_amounts_survive_excel_s_own_numbers(value):
    """Any amount of up to four decimals that Excel keeps as a binary fraction comes out digit for digit."""
    text = excel.text_of(float(value))
    assert Decimal(text) == value
    assert "E" not in text.upper()


@given(number=st.integers(1, 16_384))
def test_column_letters(number):
    """A column's letters and its number are the same column."""
    name = workbook.column_name(number)
    assert openpyxl.utils.column_index_from_string(name) == number
    assert workbook._column_number(name.encode()) == number


def test_large_sheets_are_looked_at_in_pieces(tmp_path, monkeypatch):
    """An error is found wherever the pieces end."""
    monkeypatch.setattr(workbook, "CHUNK_BYTES", 50)
    monkeypatch.setattr(workbook, "OVERLAP_BYTES", 200)
    rows = read(written(tmp_path, [["a", "b"], *[[str(n), "#N/A" if n % 7 == 0 else n] for n in range(50)]]))
    assert [n for n, row in enumerate(rows) if not isinstance(row, SheetRow)] == list(range(0, 50, 7))
