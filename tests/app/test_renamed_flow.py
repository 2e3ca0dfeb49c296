"""A flow's table without an id that is renamed: refused, since all its records would be new."""

import asyncio

import pytest

from counterfoil import errors
from counterfoil.app.reports import RunReport
from tests.posting.workbench import Workbench, sale


def renamed(bench: Workbench, name: str) -> RunReport:
    """Run the flow under another table's name."""
    report: RunReport = asyncio.run(bench.use(lambda books: books.run(name)))
    return report


def rewrite(bench: Workbench, monkeypatch: pytest.MonkeyPatch, table: str) -> None:
    """The configuration with the flow's table written otherwise."""
    write = bench.write_config

    def changed():
        path = write()
        path.write_text(path.read_text().replace('[flows.shop]\nid = "shop"', table))
        return path

    monkeypatch.setattr(bench, "write_config", changed)


def test_a_renamed_table_without_id_is_refused_with_the_line_to_write(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the old id; with it written, everything is unchanged; nothing is posted twice."""
    bench.run([sale(1)])
    rewrite(bench, monkeypatch, "[flows.store]")
    with pytest.raises(errors.ConfigurationError, match='id = "shop"'):
        renamed(bench, "store")
    monkeypatch.undo()
    rewrite(bench, monkeypatch, '[flows.store]\nid = "shop"')
    assert renamed(bench, "store").unchanged == 1
    assert len(bench.living()) == 1


def test_a_first_flow_needs_no_id(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing ran here before: the table's name is its id."""
    rewrite(bench, monkeypatch, "[flows.store]")
    bench.write([sale(1)])
    assert renamed(bench, "store").posted == 1
