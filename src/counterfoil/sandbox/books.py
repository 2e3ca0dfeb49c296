"""One organisation's books: its tables, how they are indexed, and what a new organisation starts with.

Called by `world` and the handlers in `resources`. Read-only for the pages.
"""

from copy import deepcopy
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from counterfoil.sandbox import charts, naming, wire
from counterfoil.sandbox.charts import Chart
from counterfoil.sandbox.clock import guid_of
from counterfoil.sandbox.options import Options
from counterfoil.sandbox.tables import Changes, Row, Table
from counterfoil.sandbox.unknowns import Unknowns

# Xero's names for the zones of the countries here; an unknown name counts as UTC.
ZONES = {
    "GMTSTANDARDTIME": "Europe/London",
    "AUSEASTERNSTANDARDTIME": "Australia/Sydney",
    "WEUROPESTANDARDTIME": "Europe/Amsterdam",
    "NEWZEALANDSTANDARDTIME": "Pacific/Auckland",
}

# The ledger's plurals in the order of the control answer. The tables in lower case are ours and are no ledger: number
# sequences, who made what, histories and notes, switches of the organisation that no document shows.
PLURALS = (
    "Organisations", "Accounts", "TaxRates", "Currencies", "TrackingCategories", "Contacts", "Invoices", "CreditNotes",
    "Payments", "Overpayments", "Prepayments", "BankTransactions", "BankTransfers", "BatchPayments", "ManualJournals",
    "Items", "ContactGroups", "Quotes", "PurchaseOrders", "RepeatingInvoices", "PaymentServices",
    "LinkedTransactions", "Budgets", "Receipts", "ExpenseClaims",
)  # fmt: skip


def fold(text: Any) -> str | None:
    """What two texts share that Xero takes for the same: case does not matter. Empty and absent: None."""
    return str(text).casefold() if text else None


class Books:
    """Everything that one organisation holds. `tables` is keyed by Xero's plural names."""

    def __init__(
        self,
        number: int,
        country: str,
        tenant_id: str,
        changes: Changes,
        own: Chart | None = None,
        unknowns: Unknowns | None = None,
    ) -> None:
        """`own`: the chart of somebody's own organisation, which counts instead of the country's."""
        self.unknowns = unknowns or Unknowns(Options())
        self._own = own
        self.number = number
        self.country = country
        self.tenant_id = tenant_id
        self.tables: dict[str, Table] = {
            name: Table(tenant_id, name, changes, indexes)
            for name, indexes in (
                ("Organisations", {}),
                (
                    "Accounts",
                    {"code": lambda row: fold(row.get("Code")), "system": lambda row: row.get("SystemAccount")},
                ),
                ("TaxRates", {}),
                ("Currencies", {}),
                ("TrackingCategories", {"name": lambda row: fold(row["Name"])}),
                (
                    "Contacts",
                    {
                        "name": lambda row: fold(row["Name"]) if row["ContactStatus"] == "ACTIVE" else None,
                        "number": lambda row: fold(row.get("ContactNumber")),
                    },
                ),
                (
                    "Invoices",
                    {
                        "number": lambda row: fold(row.get("InvoiceNumber")),
                        "contact": lambda row: row["Contact"]["ContactID"],
                        "archived": lambda row: row["Status"] if row["Status"] == "ARCHIVED" else None,
                    },
                ),
                (
                    "CreditNotes",
                    {
                        "number": lambda row: fold(row.get("CreditNoteNumber")),
                        "contact": lambda row: row["Contact"]["ContactID"],
                    },
                ),
                (
                    "Payments",
                    {
                        "document": lambda row: row["Invoice"]["InvoiceID"],
                        "batch": lambda row: row.get("BatchPayment", {}).get("BatchPaymentID"),
                    },
                ),
                ("Overpayments", {"contact": lambda row: row["Contact"]["ContactID"]}),
                ("Prepayments", {"contact": lambda row: row["Contact"]["ContactID"]}),
                ("BankTransactions", {"contact": lambda row: row.get("Contact", {}).get("ContactID")}),
                ("BankTransfers", {}),
                ("BatchPayments", {}),
                ("ManualJournals", {}),
                ("Items", {"code": lambda row: fold(row["Code"])}),
                ("ContactGroups", {"name": lambda row: fold(row["Name"]) if row["Status"] == "ACTIVE" else None}),
                (
                    "Quotes",
                    {
                        "number": lambda row: fold(row["QuoteNumber"]),
                        "contact": lambda row: row["Contact"]["ContactID"],
                    },
                ),
                (
                    "PurchaseOrders",
                    {
                        "number": lambda row: fold(row["PurchaseOrderNumber"]),
                        "contact": lambda row: row["Contact"]["ContactID"],
                    },
                ),
                ("RepeatingInvoices", {"contact": lambda row: row["Contact"]["ContactID"]}),
                ("PaymentServices", {}),
                ("LinkedTransactions", {}),
                ("Budgets", {}),
                ("Receipts", {}),
                ("ExpenseClaims", {}),
                ("journals", {"live": lambda row: row["of"] if row["live"] else None}),
                (
                    "stock",
                    {"item": lambda row: row["item"], "document": lambda row: row["document"]},
                ),
                ("conversion", {}),
                ("counters", {}),
                ("makers", {}),
                ("history", {"document": lambda row: row["document"]}),
                ("attachments", {"document": lambda row: row["document"]}),
                ("settings", {}),
            )
        }

    @property
    def organisation(self) -> Row:
        """The organisation as GET /Organisation shows it."""
        return self.tables["Organisations"].rows[self.tenant_id]

    @property
    def name(self) -> str:
        """Its name."""
        name: str = self.organisation["Name"]
        return name

    @property
    def base_currency(self) -> str:
        """Its base currency."""
        currency: str = self.organisation["BaseCurrency"]
        return currency

    def table(self, plural: str) -> Table:
        """One table by Xero's plural name."""
        return self.tables[plural]

    def today(self, now: datetime) -> date:
        """The calendar date where the organisation is."""
        zone = ZONES.get(self.organisation.get("Timezone", ""), "UTC")
        return now.astimezone(ZoneInfo(zone)).date()

    def next_number(self, counter: str) -> int:
        """The next of a sequence that is never used twice, e.g. of invoice numbers."""
        row = self.tables["counters"].get(counter)
        value = 1 if row is None else row["next"]
        self.tables["counters"].put(counter, {"next": value + 1})
        return int(value)

    def open(self, now: datetime, *, seed: int, incarnation: int) -> None:
        """Fill the empty books from the country's chart. Ids depend on seed, number and incarnation alone."""
        chart = charts.chart(self.country) if self._own is None else deepcopy(self._own)
        name = naming.organisation_name(self.number, self.country) if self._own is None else chart.organisation["Name"]
        basis = f"{seed}/{self.number}/{incarnation}/"
        self.tables["Organisations"].put(
            self.tenant_id,
            arrange(
                {
                    **chart.organisation,
                    "Name": name,
                    "LegalName": name if self._own is None else chart.organisation["LegalName"],
                    "CreatedDateUTC": wire.envelope_time(now),
                    "ShortCode": naming.short_code(basis),
                    "OrganisationID": self.tenant_id,
                },
                charts.ORGANISATION_KEYS,
            ),
        )
        stamp = wire.stamp(now)
        for account in chart.accounts:
            key = account.get("AccountID") or guid_of(f"{basis}account/{account.get('Code')}/{account['Name']}")
            row = arrange({**account, "AccountID": key, "UpdatedDateUTC": stamp}, charts.ACCOUNT_KEYS)
            self.tables["Accounts"].put(key, row)
        for rate in chart.tax_rates:
            self.tables["TaxRates"].put(rate["TaxType"], wire.tidy(rate))
        for currency in chart.currencies:
            self.tables["Currencies"].put(currency["Code"], dict(currency))
        for category in chart.tracking:
            row = tracking_row(category, f"{basis}tracking/")
            self.tables["TrackingCategories"].put(row["TrackingCategoryID"], row)
        for contact in chart.contacts:
            key = contact.get("ContactID") or guid_of(f"{basis}contact/{contact['Name']}")
            row = arrange({**contact, "ContactID": key, "UpdatedDateUTC": stamp}, charts.CONTACT_KEYS)
            self.tables["Contacts"].put(key, row)


def arrange(row: Row, order: tuple[str, ...]) -> Row:
    """The row with its keys in this order; a key outside the order keeps its place at the end."""
    arranged = {key: row[key] for key in order if key in row}
    return arranged | {key: value for key, value in row.items() if key not in arranged}


def tracking_row(category: Row, basis: str) -> Row:
    """A tracking category of a chart with its ids."""
    name = category["Name"]
    options = [
        {
            "TrackingOptionID": option.get("TrackingOptionID") or guid_of(f"{basis}{name}/{option['Name']}"),
            **{key: value for key, value in option.items() if key != "TrackingOptionID"},
        }
        for option in category.get("Options", [])
    ]
    own_id = category.get("TrackingCategoryID") or guid_of(f"{basis}{name}")
    row = {"Name": name, "Status": category.get("Status", "ACTIVE"), "TrackingCategoryID": own_id}
    return row | {"Options": options}
