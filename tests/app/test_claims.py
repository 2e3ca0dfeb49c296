"""What a record that did not pass its checks says it comes to."""

import asyncio
import datetime
from decimal import Decimal

import pytest

from counterfoil.app import claims
from counterfoil.model import sheet
from counterfoil.posting.plans import Claim
from tests.posting.workbench import sale


def test_a_record_with_a_misspelt_field_shows_its_own_total(bench):
    """In the currency that it names, else in that of its books; without a total it is unknown."""
    bench.run([
        sale(1, expected_total="13.00", curency="GBP"),
        sale(2, expected_total=7, curency="GBP", currency="EUR"),
        sale(3, curency="GBP"),
    ])  # fmt: skip
    (problem,) = asyncio.run(bench.use(lambda books: books.problems()))
    assert {name: str(amount) for name, amount in problem.amounts.items()} == {"GBP": "13.00", "EUR": "7"}
    assert (problem.count, problem.unknown) == (3, 1)


@pytest.mark.parametrize(
    ("raw", "claim"),
    [
        (None, None),
        (b"null", None),
        (b'{"external_id": ', None),
        (b"\xff", None),
        (b"{}", Claim(None, "GBP", None)),
        (b'{"expected_total": true, "date": "soon", "currency": 5}', Claim(None, "GBP", None)),
        (b'{"expected_total": "NaN"}', Claim(None, "GBP", None)),
        (
            b'{"expected_total": 1.10, "date": "2026-11-02", "currency": "EUR"}',
            Claim(datetime.date(2026, 11, 2), "EUR", Decimal("1.10")),
        ),
        (sheet.pack_part([sheet.SheetRow("o.csv:2", {"Total": "1"}, "h")]), None),
    ],
)
def test_a_claim_is_what_can_be_read(raw, claim):
    """Whatever stands there, nothing is raised and nothing made up."""
    assert claims.of(raw, None, "GBP") == claim
