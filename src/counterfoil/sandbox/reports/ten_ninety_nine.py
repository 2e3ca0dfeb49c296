"""TenNinetyNine: what an American organisation paid to contractors, by the boxes of two tax forms (facts 5.21).

Called by `resources.reports`. Which payments belong into which box is a rule that a person sets up in Xero, and no part of
the API: nobody has set one up here, so both forms are there and name nobody. Elsewhere than in the United States 400.
"""

from typing import Any, Final

from counterfoil.sandbox.answers import Call
from counterfoil.sandbox.reports import asked
from counterfoil.sandbox.tables import Row

FORMS: Final = ("1099-NEC report", "1099-MISC report")
YEARS: Final = range(2000, 2200)


def made(call: Call) -> list[Row]:
    """Both forms of `reportYear`, by default the current one."""
    given = call.query.get("reportyear", str(asked.today(call).year))
    if given not in {str(year) for year in YEARS}:
        asked.refuse("The parameter reportYear must be a year such as 2026.")
    if call.books.organisation["CountryCode"] != "US":
        asked.refuse("1099 reports are for organisations in the United States.")
    span: dict[str, Any] = {"ReportDate": f"1 Jan {given} to 31 Dec {given}", "Fields": [], "Contacts": []}
    return [{"ReportName": name, **span} for name in FORMS]
