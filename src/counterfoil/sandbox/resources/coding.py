"""How a line is coded: its account, tax type and tracking, looked up and refused where Xero refuses them (facts 5.0, 5.5).

Called by `document_lines` and by whatever has lines of its own. The messages are Xero's where the facts know them.
"""

from dataclasses import dataclass, field

from counterfoil.sandbox.books import Books, fold
from counterfoil.sandbox.tables import Row

NOT_VALID = "Account code '{}' is not a valid code for this document."
TRACKING_MAX = 2
TOO_MUCH_TRACKING = f"A line item can have at most {TRACKING_MAX} tracking categories."

# Accounts that the ledger itself writes to; a document may not name them.
_SYSTEM_ONLY = frozenset({"DEBTORS", "CREDITORS", "BANKCURRENCYGAIN", "REALISEDCURRENCYGAIN", "UNREALISEDCURRENCYGAIN"})
_CAN_APPLY = {
    "ASSET": "CanApplyToAssets",
    "EQUITY": "CanApplyToEquity",
    "EXPENSE": "CanApplyToExpenses",
    "LIABILITY": "CanApplyToLiabilities",
    "REVENUE": "CanApplyToRevenue",
}


@dataclass(slots=True)
class Lines:
    """The finished lines and totals, or what is wrong with them. `rows` keeps the order of what was posted."""

    rows: list[Row] = field(default_factory=list)
    totals: Row = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def account_of(books: Books, line: Row, lines: Lines, *, strict: bool) -> Row | None:
    """The line's account; on a draft an unknown code is taken away with a warning."""
    table = books.table("Accounts")
    code = line.get("AccountCode")
    if not code and "AccountID" not in line:
        line.pop("AccountCode", None)
        if strict:
            lines.errors.append("Account code must be specified")
        return None
    account = table.first("code", fold(code)) if code else table.get(line["AccountID"])
    shown = code or line["AccountID"]
    if account is None and not strict:
        lines.warnings.append(f"Account code '{shown}' has been removed as it does not match a recognised account.")
        line.pop("AccountCode", None)
        line.pop("AccountID", None)
        return None
    if account is not None and account["Status"] != "ACTIVE":
        lines.errors.append(
            f"Account code '{shown}' has been archived, or has been deleted. "
            "Each line item must reference a valid account."
        )
        return None
    if account is None or account["Type"] == "BANK" or account.get("SystemAccount") in _SYSTEM_ONLY:
        lines.errors.append(NOT_VALID.format(shown))
        return None
    line["AccountCode"] = account.get("Code", "")
    line["AccountID"] = account["AccountID"]
    return account


def tax_of(books: Books, line: Row, account: Row | None, line_amount_types: str, lines: Lines, *, strict: bool) -> None:
    """The line's tax type: as sent, else the account's; NoTax makes it NONE."""
    if line_amount_types == "NoTax":
        line["TaxType"] = "NONE"
        return
    tax_type = line.get("TaxType") or (account or {}).get("TaxType")
    if not tax_type:
        line.pop("TaxType", None)
        if strict and account is not None:
            lines.errors.append("The TaxType field is mandatory")
        return
    rate = books.table("TaxRates").get(tax_type.upper())
    if rate is None or rate["Status"] != "ACTIVE":
        lines.errors.append(
            f"The TaxType code '{tax_type}' does not exist or cannot be used for this type of transaction."
        )
        return
    line["TaxType"] = rate["TaxType"]
    if account is not None and not rate[_CAN_APPLY[account["Class"]]]:
        lines.errors.append(f"The TaxType code '{tax_type}' cannot be used with account code '{line['AccountCode']}'.")


def tracking_of(books: Books, posted: list[Row], lines: Lines) -> list[Row]:
    """Categories and options that exist and are active, by ids or by names."""
    if len(posted) > TRACKING_MAX:
        lines.errors.append(TOO_MUCH_TRACKING)
        return []
    found = []
    for wanted in posted:
        category, option = _tracked(books, wanted)
        if category is None or option is None:
            name = wanted.get("Name", wanted.get("TrackingCategoryID", ""))
            choice = wanted.get("Option", wanted.get("TrackingOptionID", ""))
            lines.errors.append(f"The tracking option '{choice}' of category '{name}' does not exist or is not active.")
            continue
        found.append(
            {
                "Name": category["Name"],
                "Option": option["Name"],
                "TrackingCategoryID": category["TrackingCategoryID"],
                "TrackingOptionID": option["TrackingOptionID"],
            }
        )
    return found


def _category_of(books: Books, option_id: str | None) -> str | None:
    """The category of an option that is named alone."""
    for category in books.table("TrackingCategories"):
        if any(option["TrackingOptionID"] == option_id for option in category["Options"]):
            return str(category["TrackingCategoryID"])
    return None


def _tracked(books: Books, wanted: Row) -> tuple[Row | None, Row | None]:
    table = books.table("TrackingCategories")
    category_id = wanted.get("TrackingCategoryID")
    if not category_id and "Name" not in wanted:
        category_id = _category_of(books, wanted.get("TrackingOptionID"))
    category = table.get(category_id) if category_id else table.first("name", fold(wanted.get("Name")))
    if category is None or category["Status"] != "ACTIVE":
        return None, None
    option_id, name = wanted.get("TrackingOptionID"), fold(wanted.get("Option"))
    for option in category["Options"]:
        is_meant = option["TrackingOptionID"] == option_id if option_id else fold(option["Name"]) == name
        if is_meant and option["Status"] == "ACTIVE":
            return category, option
    return category, None
