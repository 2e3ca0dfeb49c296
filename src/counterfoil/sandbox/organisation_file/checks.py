"""What must fit together in an organisation file, beyond the form of each field. Called by `reading`. Pure."""

from collections.abc import Iterator
from typing import NamedTuple

from counterfoil.sandbox.books import fold
from counterfoil.sandbox.organisation_file.schema import File

ACTIVE_CATEGORIES_MAX = 2


class Trouble(NamedTuple):
    """One thing that does not fit: where, what stands there, why it cannot be, what to do."""

    place: str
    value: str
    what: str
    remedy: str


def first_trouble(file: File) -> Trouble | None:
    """The first thing that does not fit, in the order of the file; None: all is well."""
    checks = (_accounts, _tax_rates, _twice, _tracking, _contacts)
    return next((trouble for check in checks for trouble in check(file)), None)


def _accounts(file: File) -> Iterator[Trouble]:
    taxes = {rate.tax_type for rate in file.tax_rates}
    for n, account in enumerate(file.accounts):
        if not account.code and account.type != "BANK" and not account.system_account:
            yield Trouble(f"Accounts[{n}].Code", "", "only a bank account may lack a code", "Give it a code.")
        if account.tax_type and account.tax_type not in taxes | {"NONE"}:
            yield Trouble(
                f"Accounts[{n}].TaxType",
                account.tax_type,
                "no tax rate of this file has that TaxType",
                f"Add it to TaxRates, or write one of: {', '.join(sorted(taxes))}.",
            )


def _tax_rates(file: File) -> Iterator[Trouble]:
    for n, rate in enumerate(file.tax_rates):
        if not 0 <= rate.effective_rate <= 100:
            where, value = f"TaxRates[{n}].EffectiveRate", str(rate.effective_rate)
            yield Trouble(where, value, "a rate is between 0 and 100 per cent", "Write the per cent, e.g. 20.")


def _twice(file: File) -> Iterator[Trouble]:
    """What Xero wants unique, whatever the case of letters."""
    lists = {
        "Accounts": (("Code", [one.code for one in file.accounts]), ("Name", [one.name for one in file.accounts])),
        "TaxRates": (("TaxType", [one.tax_type for one in file.tax_rates]),),
        "TrackingCategories": (("Name", [one.name for one in file.tracking_categories]),),
        "Contacts": (
            ("ContactNumber", [one.contact_number for one in file.contacts]),
            ("Name", [one.name if one.contact_status == "ACTIVE" else "" for one in file.contacts]),
        ),
    }
    for plural, columns in lists.items():
        for name, values in columns:
            seen: dict[str | None, int] = {}
            for n, value in enumerate(values):
                first = seen.setdefault(fold(value), n)
                if value and first != n:
                    what = f"{plural}[{first}] has the same"
                    yield Trouble(f"{plural}[{n}].{name}", value, what, "Give each its own.")


def _tracking(file: File) -> Iterator[Trouble]:
    active = [n for n, one in enumerate(file.tracking_categories) if one.status == "ACTIVE"]
    for n in active[ACTIVE_CATEGORIES_MAX:]:
        what = f"Xero has at most {ACTIVE_CATEGORIES_MAX} active tracking categories"
        yield Trouble(f"TrackingCategories[{n}].Status", "ACTIVE", what, "Write ARCHIVED, or take the category out.")


def _contacts(file: File) -> Iterator[Trouble]:
    known = {file.organisation.base_currency, *(one.code for one in file.currencies)}
    for n, contact in enumerate(file.contacts):
        if contact.default_currency is not None and contact.default_currency not in known:
            where, value = f"Contacts[{n}].DefaultCurrency", contact.default_currency
            yield Trouble(where, value, "the organisation has not subscribed to it", "Add it to Currencies.")
