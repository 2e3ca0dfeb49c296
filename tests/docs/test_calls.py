"""The figures of docs/promises/few-calls.md, counted on a real sandbox."""

from pathlib import Path

from tests.posting import workbench
from tests.posting.workbench import Workbench, sale

PAGE = (Path(__file__).parents[2] / "docs" / "promises" / "few-calls.md").read_text(encoding="utf-8")


def test_what_500_sales_cost(tmp_path):
    """500 sales with 500 new customers, and the same file again: as many calls as the page says."""
    customers = [{"external_id": f"c-{n}", "name": f"Person {n}"} for n in range(500)]
    sales = [sale(n, contact=customers[n]) for n in range(500)]
    with workbench.start() as sandbox:
        bench = Workbench(tmp_path, sandbox)
        first, again = bench.run(sales), bench.run(sales)
    assert (first.posted, again.unchanged) == (500, 500)
    said = f"cost {first.api_calls} calls the first time, and {again.api_calls} when the same file is run again"
    assert said in " ".join(PAGE.split())
