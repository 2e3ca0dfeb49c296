"""Scopes: which exist, which endpoint needs which (facts 1.7).

Called by `identity.authorize` (is it known?), `identity.token` (may client_credentials have it?) and `gate` (is it
enough?). Granular scopes only, unless the sandbox plays an app from before 2 March 2026 (`--broad-scopes`).
"""

IDENTITY = frozenset({"openid", "profile", "email", "offline_access"})
WITHOUT_TENANT = frozenset({"app.connections", "marketplace.billing"})
BROAD = frozenset({"accounting.transactions", "accounting.transactions.read", "accounting.reports.read"})

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
    "accounting.journals.read",
    "accounting.budgets.read",
)
GRANULAR = frozenset({*_WITH_READ, *(f"{scope}.read" for scope in _WITH_READ), *_READ_ONLY, "paymentservices"})

# What the broad scope of an old app stands for, as far as this sandbox has the endpoints.
_BROAD_MEANS = {
    "accounting.invoices",
    "accounting.payments",
    "accounting.banktransactions",
    "accounting.manualjournals",
}


def unknown(asked: list[str], *, broad: bool) -> list[str]:
    """The scopes that a user cannot grant this app."""
    known = IDENTITY | GRANULAR | (BROAD if broad else frozenset())
    return [scope for scope in asked if scope not in known]


def suffices(held: list[str], needed: str, *, writing: bool) -> bool:
    """Whether a token with these scopes may call an endpoint that needs `needed`; `.read` is enough for reading."""
    accepted = {needed} if writing else {needed, f"{needed}.read"}
    if needed in _BROAD_MEANS:
        accepted |= (
            {"accounting.transactions"} if writing else {"accounting.transactions", "accounting.transactions.read"}
        )
    return not accepted.isdisjoint(held)
