"""What the mirror knows of each resource before it reads it: one row of data each, and no code.

Called by reading, mirroring and polling, and by app for what may stand in `[mirror] resources`. Pure. Paths, parameters and
paging: xero-facts §4.3, §4.4, §4.5 and Appendix A (OpenAPI 16.1.0); deletions: §4.8
(https://developer.xero.com/documentation/api/accounting/requests-and-responses, read 2026-11).
"""

from collections.abc import Mapping
from typing import Final

import msgspec

PAGE_SIZE: Final = 1000
FIXED_PAGE: Final = 100  # where Xero knows `page` and no `pageSize`
SUMMARY_OF_INVOICES: Final = frozenset({"Payments", "LineItems", "HasAttachments", "CISDeduction"})
SUMMARY_OF_CONTACTS: Final = frozenset(
    {
        "Addresses", "ContactGroups", "ContactPersons", "PurchasesDefaultAccountCode", "PurchasesTrackingCategories",
        "SalesDefaultAccountCode", "SalesTrackingCategories", "TrackingCategoryName", "TrackingCategoryOption",
    }
)  # fmt: skip


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """One resource.

    `name` is its path and what a scope opens; `plural` the list in its envelope. `page_size` None: Xero sends the whole
    list. `stamp` None: no document says when it changed. `since`: If-Modified-Since leaves out what did not. `params`: what
    every list is asked with. `summary`: what `summaryOnly` leaves out; empty: it is not known there. `ids`: the parameter
    that chooses documents. `unkept`: fields that change without a stamp, so that they would be wrong here. `is_setting`:
    read once a day. A document that only a list's silence tells to be gone is in an unpaged resource; elsewhere a status does.
    """

    name: str
    id: str
    plural: str = ""
    page_size: int | None = None
    status: str | None = "Status"
    stamp: str | None = "UpdatedDateUTC"
    since: bool = True
    params: Mapping[str, str] = {}
    summary: frozenset[str] = frozenset()
    ids: str = ""
    unkept: frozenset[str] = frozenset()
    is_setting: bool = False

    @property
    def list(self) -> str:
        """The name of the list in Xero's envelope."""
        return self.plural or self.name


_PRICES: Final = {"unitdp": "4"}

ALL: Final = (
    Described(
        name="Organisation", plural="Organisations", id="OrganisationID", status="OrganisationStatus", stamp=None,
        since=False, is_setting=True,
    ),
    Described(name="Accounts", id="AccountID", is_setting=True),
    Described(name="TaxRates", id="TaxType", stamp=None, since=False, is_setting=True),
    Described(
        name="TrackingCategories", id="TrackingCategoryID", stamp=None, since=False,
        params={"includeArchived": "true"}, is_setting=True,
    ),
    Described(name="Currencies", id="Code", status=None, stamp=None, since=False, is_setting=True),
    Described(name="Items", id="ItemID", status=None, params=_PRICES),
    Described(
        name="Contacts", id="ContactID", page_size=PAGE_SIZE, status="ContactStatus",
        params={"includeArchived": "true"}, summary=SUMMARY_OF_CONTACTS, ids="IDs",
        unkept=frozenset({"Balances", "IsCustomer", "IsSupplier"}),
    ),
    Described(
        name="Invoices", id="InvoiceID", page_size=PAGE_SIZE, params={**_PRICES, "includeArchived": "true"}, summary=SUMMARY_OF_INVOICES, ids="IDs"
    ),
    Described(name="CreditNotes", id="CreditNoteID", page_size=PAGE_SIZE, params=_PRICES),
    Described(name="Payments", id="PaymentID", page_size=PAGE_SIZE),
    Described(name="Overpayments", id="OverpaymentID", page_size=PAGE_SIZE, params=_PRICES),
    Described(name="Prepayments", id="PrepaymentID", page_size=PAGE_SIZE, params=_PRICES),
    Described(name="BankTransactions", id="BankTransactionID", page_size=PAGE_SIZE, params=_PRICES),
    # It has CreatedDateUTC alone, and a deletion or a reconciliation moves nothing: the whole list each time.
    Described(name="BankTransfers", id="BankTransferID", stamp=None, since=False, params={"includeDeleted": "true"}),
    Described(name="ManualJournals", id="ManualJournalID", page_size=PAGE_SIZE),
    Described(name="PurchaseOrders", id="PurchaseOrderID", page_size=PAGE_SIZE),
    Described(name="Quotes", id="QuoteID", page_size=FIXED_PAGE),
)  # fmt: skip
BY_NAME: Final[Mapping[str, Described]] = {one.name: one for one in ALL}
NAMES: Final = tuple(BY_NAME)
