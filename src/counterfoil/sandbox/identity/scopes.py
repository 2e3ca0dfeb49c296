"""Scopes: which exist, which endpoint needs which, who may ask for them (facts 1.7).

Called by `identity.authorize` and `identity.token` (may this app have it?) and `gate` (is it enough?). Granular scopes
only, except for apps from before 2 March 2026, whose broad scopes work until `--broad-scopes-end`.
"""

from collections.abc import Sequence

from counterfoil.sandbox.apps import App

IDENTITY = frozenset({"openid", "profile", "email", "offline_access"})
WITHOUT_TENANT = frozenset({"app.connections", "marketplace.billing"})
BROAD = frozenset({"accounting.transactions", "accounting.transactions.read", "accounting.reports.read"})
JOURNALS = "accounting.journals.read"
PAYMENT_SERVICES = "paymentservices"
CLASSIC_EXPENSES = "accounting.classicexpenses"

_WITH_READ = (
    "accounting.invoices",
    "accounting.payments",
    "accounting.banktransactions",
    "accounting.manualjournals",
    "accounting.settings",
    "accounting.contacts",
    "accounting.attachments",
    "payroll.employees",
    "payroll.payruns",
    "payroll.payslip",
    "payroll.timesheets",
    "payroll.settings",
    "files",
    "assets",
    "projects",
)
_READ_ONLY = (
    "accounting.reports.aged.read",
    "accounting.reports.balancesheet.read",
    "accounting.reports.banksummary.read",
    "accounting.reports.budgetsummary.read",
    "accounting.reports.executivesummary.read",
    "accounting.reports.profitandloss.read",
    "accounting.reports.trialbalance.read",
    "accounting.reports.taxreports.read",
    "accounting.reports.tenninetynine.read",
    JOURNALS,
    "accounting.budgets.read",
)
GRANULAR = frozenset({*_WITH_READ, *(f"{scope}.read" for scope in _WITH_READ), *_READ_ONLY, PAYMENT_SERVICES})

_CLASSIC = frozenset({CLASSIC_EXPENSES, f"{CLASSIC_EXPENSES}.read"})  # one source names them (facts 1.7, 11.13)
_TRANSACTIONS = frozenset(
    {
        "accounting.invoices",
        "accounting.payments",
        "accounting.banktransactions",
        "accounting.manualjournals",
        CLASSIC_EXPENSES,
    }
)
_REPORTS = "accounting.reports."
_NOT_BROAD_REPORTS = frozenset({"accounting.reports.tenninetynine", "accounting.reports.bankstatement"})
_SCOPE_OF_REPORT = {
    "agedpayablesbycontact": "aged",
    "agedreceivablesbycontact": "aged",
    "balancesheet": "balancesheet",
    "banksummary": "banksummary",
    "budgetsummary": "budgetsummary",
    "executivesummary": "executivesummary",
    "profitandloss": "profitandloss",
    "trialbalance": "trialbalance",
    "tenninetynine": "tenninetynine",
}
_TAX_REPORTS = "taxreports"


def unknown(asked: Sequence[str], app: App, *, broad: bool, classic: bool = False) -> list[str]:
    """The scopes that nobody can grant this app; `broad`: the broad ones have not ended yet; `classic`: those of expenses."""
    known = IDENTITY | GRANULAR | (BROAD if broad and app.has_broad_scopes else frozenset())
    if classic:
        known |= _CLASSIC
    if not app.has_journals:
        known -= {JOURNALS}
    return [scope for scope in asked if scope not in known]


def still_held(granted: Sequence[str], app: App) -> list[str]:
    """What a new token of this grant has: premium scopes end with the tier that they came with."""
    return [scope for scope in granted if scope != JOURNALS or app.has_journals]


def unassigned(asked: Sequence[str], app: App, *, broad: bool) -> list[str]:
    """The scopes that a custom connection was not given."""
    refused = set(unknown(asked, app, broad=broad))
    given = GRANULAR if app.scopes is None else frozenset(app.scopes)
    return [scope for scope in asked if scope in refused or scope not in given]


def assigned(app: App, *, broad: bool) -> list[str]:
    """Everything that a custom connection was given and may still have."""
    given = sorted(GRANULAR) if app.scopes is None else app.scopes
    refused = set(unknown(given, app, broad=broad))
    return [scope for scope in given if scope not in refused]


def needed(plural: str, rest: Sequence[str], own: str) -> tuple[str, ...]:
    """The scopes any one of which opens this endpoint; `own` is the resource's own, `rest` what follows it in the path.

    Attachments need a scope of their own, and the parent's does not help; each report has one.
    """
    part = rest[1].lower() if len(rest) > 1 else ""
    if part == "attachments":
        return ("accounting.attachments",)
    if part == "cissettings":
        return ("accounting.settings",)
    if part == "paymentservices" or plural == "PaymentServices":
        return (PAYMENT_SERVICES,)
    if plural == "Items":
        return ("accounting.settings", "accounting.invoices")
    if plural == "Reports":
        name = _SCOPE_OF_REPORT.get(rest[0].lower() if rest else "", _TAX_REPORTS)
        return (f"{_REPORTS}{name}.read",)
    return (own,)


def suffices(held: Sequence[str], wanted: Sequence[str], *, writing: bool, broad: bool = True) -> bool:
    """Whether a token with these scopes may call an endpoint that wants any of `wanted`; `.read` is enough to read."""
    return any(not _accepted(scope, writing=writing, broad=broad).isdisjoint(held) for scope in wanted)


def _accepted(scope: str, *, writing: bool, broad: bool) -> set[str]:
    """The scopes that are as good as this one."""
    plain = scope.removesuffix(".read")
    accepted = {plain} if writing else {plain, f"{plain}.read"}
    if broad and plain in _TRANSACTIONS:
        accepted |= {"accounting.transactions"} | (set() if writing else {"accounting.transactions.read"})
    if broad and not writing and plain.startswith(_REPORTS) and plain not in _NOT_BROAD_REPORTS:
        accepted.add("accounting.reports.read")
    return accepted
