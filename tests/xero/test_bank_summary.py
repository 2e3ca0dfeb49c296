"""BankSummary: closing balances by account, from text in cells, and nothing that is not said."""

import datetime
import json
from decimal import Decimal

import pytest

from counterfoil import errors
from counterfoil.xero.answers import Answer
from counterfoil.xero.resources import bank_summary

DAY = datetime.date(2026, 11, 22)
HEAD = ["Bank Accounts", "Opening Balance", "Cash Received", "Cash Spent", "Closing Balance"]


class Client:
    """Answers with one report, and remembers what was asked."""

    def __init__(self, rows):
        self.rows, self.asked = rows, []

    async def get(self, path, params, *, lane):
        """The report."""
        self.asked.append((path, params, lane))
        report = {"ReportID": "BankSummary", "ReportType": "BankSummary", "Rows": self.rows, "Fields": []}
        body = {"Id": "x", "Status": "OK", "DateTimeUTC": "/Date(1794650523221)/", "Reports": [report]}
        return Answer(status=200, body=json.dumps(body).encode())


def account(account_id, *texts):
    """A row of the report."""
    name = {"Value": "Bank", "Attributes": [{"Value": account_id, "Id": "accountID"}]}
    return {"RowType": "Row", "Cells": [name, *({"Value": one} if one is not None else {} for one in texts)]}


def report(*rows, head=HEAD):
    """A header and a section."""
    cells = [{"Value": one} for one in head]
    return [{"RowType": "Header", "Cells": cells}, {"RowType": "Section", "Title": "", "Rows": list(rows)}]


async def test_what_each_account_held_at_the_end_of_the_day():
    """One call with that day at both ends; digits as they came; the row of sums is no account."""
    total = {"RowType": "SummaryRow", "Cells": [{"Value": "Total"}, *({"Value": "9.00"} for _ in range(4))]}
    client = Client(report(account("a", "1.00", "0.00", "0.00", "10.10"), account("b", "", "", "", "-3.05"), total))
    assert await bank_summary.closing(client, DAY, lane="sync") == {"a": Decimal("10.10"), "b": Decimal("-3.05")}
    assert client.asked == [("Reports/BankSummary", {"fromDate": "2026-11-22", "toDate": "2026-11-22"}, "sync")]


@pytest.mark.parametrize("text", [None, "", "n/a", "1,000.00", "NaN", "1e5", "(12.00)", "٣.00"])
async def test_an_amount_that_is_none_is_not_guessed(text):
    """A cell without value, or with what is no plain amount: that account's balance is not known, the others are."""
    client = Client(report(account("a", "1", "1", "1", text), account("b", "1", "1", "1", "5.00")))
    assert await bank_summary.closing(client, DAY, lane="sync") == {"b": Decimal("5.00")}


async def test_the_column_is_found_by_its_name():
    """Columns that stand elsewhere are read where they stand; without the name nothing is read out of the wrong one."""
    turned = [HEAD[0], *HEAD[:0:-1]]
    client = Client(report(account("a", "7.00", "1", "1", "1"), head=turned))
    assert await bank_summary.closing(client, DAY, lane="sync") == {"a": Decimal("7.00")}
    with pytest.raises(errors.Unclear):
        await bank_summary.closing(Client(report(account("a", "1", "1", "1", "1"), head=HEAD[:4])), DAY, lane="sync")
    with pytest.raises(errors.Unclear):
        await bank_summary.closing(Client([]), DAY, lane="sync")


async def test_sections_that_never_end_are_read_so_deep_and_no_deeper():
    """A hostile answer costs no stack."""
    row = {"RowType": "Section", "Rows": [account("a", "1", "1", "1", "1")]}
    for _ in range(60):
        row = {"RowType": "Section", "Rows": [row]}
    assert await bank_summary.closing(Client([*report(), row]), DAY, lane="sync") == {}
