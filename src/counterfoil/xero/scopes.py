"""Which scope opens which resource, the least set for what is needed, and what an old app's broad scopes are worth.

Called by flows and mirror (each declares its needs with `reads` and `writes`), app (what a consent asks for, what a
grant lacks) and cli. Pure. Xero publishes the scopes of each endpoint; a `.read` scope opens GET alone, the other one
everything. xero-facts §1.7 (https://developer.xero.com/documentation/guides/oauth2/scopes, read 2026-11).
"""

import datetime
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

READ: Final = ".read"
# Which user consented, and a refresh token. No e-mail address: nothing here needs one.
SIGN_IN: Final = ("openid", "profile", "offline_access")

_INVOICES: Final = "accounting.invoices"
_PAYMENTS: Final = "accounting.payments"
_BANK: Final = "accounting.banktransactions"
_JOURNALS: Final = "accounting.manualjournals"
_SETTINGS: Final = "accounting.settings"
_CONTACTS: Final = "accounting.contacts"

# Any one of a resource's scopes opens it; the first is asked for unless another is asked for anyway.
OPENED_BY: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        **dict.fromkeys(
            ("Invoices", "CreditNotes", "Quotes", "PurchaseOrders", "RepeatingInvoices", "LinkedTransactions"),
            (_INVOICES,),
        ),
        **dict.fromkeys(("Payments", "BatchPayments", "Overpayments", "Prepayments"), (_PAYMENTS,)),
        **dict.fromkeys(("BankTransactions", "BankTransfers"), (_BANK,)),
        "ManualJournals": (_JOURNALS,),
        **dict.fromkeys(
            (
                "Accounts", "BrandingThemes", "Currencies", "InvoiceReminders", "Organisation", "TaxRates",
                "TrackingCategories", "Users",
            ),
            (_SETTINGS,),
        ),
        "Items": (_SETTINGS, _INVOICES),
        **dict.fromkeys(("Contacts", "ContactGroups"), (_CONTACTS,)),
        "Attachments": ("accounting.attachments",),  # of every parent; the parent's own scope does not help
        "Journals": ("accounting.journals",),  # Advanced tier; there is no writing
        "Budgets": ("accounting.budgets",),
        "BankSummary": ("accounting.reports.banksummary",),  # a report; there is no writing
    }
)  # fmt: skip

# What Xero ends: the scopes of apps made before 2 March 2026 (custom connections: before 29 April 2026).
BROAD: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "accounting.transactions": (_INVOICES, _PAYMENTS, _BANK, _JOURNALS),
        "accounting.transactions.read": tuple(scope + READ for scope in (_INVOICES, _PAYMENTS, _BANK, _JOURNALS)),
        "accounting.reports.read": tuple(
            f"accounting.reports.{report}.read"
            for report in (
                "aged", "balancesheet", "banksummary", "budgetsummary", "executivesummary", "profitandloss",
                "taxreports", "trialbalance",
            )
        ),
    }
)  # fmt: skip
BROAD_END: Final = datetime.date(2027, 9, 13)  # Xero's changelog; a post of March 2026 said 27 September
BROAD_STORY: Final = (
    "Xero gives broad scopes to no app made since 2 March 2026 (custom connection: 29 April 2026) and ends them on "
    "13 September 2027 (a post of Xero's from March 2026 said the 27th). Existing apps have had the granular scopes "
    "since April 2026; a user's consent gets them only when the user consents once more."
)


class Need(msgspec.Struct, frozen=True):
    """What somebody does with one resource of Xero's (its plural), and why, in words that go on after "to"."""

    resource: str
    writing: bool
    why: str

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes any one of which is enough, the one to ask for first."""
        return tuple(scope if self.writing else scope + READ for scope in OPENED_BY[self.resource])


def reads(resource: str, why: str) -> Need:
    """The need to GET a resource."""
    return Need(resource, writing=False, why=why)


def writes(resource: str, why: str) -> Need:
    """The need to make, change or delete documents of a resource, which includes reading them."""
    return Need(resource, writing=True, why=why)


def least(needs: Iterable[Need]) -> tuple[str, ...]:
    """The fewest and narrowest scopes that open all of it, by name; sign-in not among them."""
    asked: set[str] = set()
    for need in sorted(needs, key=lambda one: len(one.scopes)):
        if not any(covers(asked, scope) for scope in need.scopes):
            asked.add(need.scopes[0])
    return tuple(sorted(scope for scope in asked if scope.removesuffix(READ) not in asked - {scope}))


def covers(held: Collection[str], scope: str, today: datetime.date | None = None) -> bool:
    """Whether these scopes include `scope`. `today`: broad ones count until Xero ends them; None: they do not count."""
    if scope in held or (scope.endswith(READ) and scope.removesuffix(READ) in held):
        return True
    return today is not None and today < BROAD_END and bool(_broad_for(scope).intersection(held))


def lacking(held: Collection[str], needs: Iterable[Need], today: datetime.date) -> tuple[Need, ...]:
    """The needs that these scopes do not meet on this day, in order."""
    return tuple(need for need in needs if not any(covers(held, scope, today) for scope in need.scopes))


def broad_relied_on(held: Collection[str], needs: Iterable[Need]) -> tuple[str, ...]:
    """The broad scopes without which a need would not be met: what their end will break. By name."""
    found: set[str] = set()
    for need in needs:
        if not any(covers(held, scope) for scope in need.scopes):
            found.update(*(_broad_for(scope).intersection(held) for scope in need.scopes))
    return tuple(sorted(found))


def out_of(given: Collection[str], asked: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The narrowest of the given scopes that cover what is asked, by name; and what none of them covers."""
    chosen, missing = set(), []
    for scope in asked:
        wider = sorted(_broad_for(scope), key=lambda broad: broad.endswith(READ) != scope.endswith(READ))
        found = next((one for one in (scope, scope.removesuffix(READ), *wider) if one in given), None)
        if found is None:
            missing.append(scope)
        else:
            chosen.add(found)
    return tuple(sorted(chosen)), tuple(missing)


def _broad_for(scope: str) -> set[str]:
    """The broad scopes that include a granular one."""
    return {
        broad
        for broad, granular in BROAD.items()
        if scope in granular or (scope.endswith(READ) and scope.removesuffix(READ) in granular)
    }
