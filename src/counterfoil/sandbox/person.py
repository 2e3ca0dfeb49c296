"""A person at Xero's own screen: changes an organisation, makes documents, and does what a bookkeeper does by the rules.

Called by `control`. `acted` voids, renumbers, pays, credits, e-mails; histories name the person. What the API does not
allow is in `edits`.
"""

from datetime import date
from typing import Any
from urllib.parse import parse_qsl

from counterfoil.sandbox import resources, wire
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.books import Books, arrange
from counterfoil.sandbox.charts import ORGANISATION_KEYS
from counterfoil.sandbox.gate import WITHOUT_REPORTS
from counterfoil.sandbox.resources import approvals, budgets, cis_settings, organisation
from counterfoil.sandbox.world import CLIENT_ID, World

ORGANISATION_FIELDS = frozenset(
    {
        "name",
        "base_currency",
        "period_lock_date",
        "end_of_year_lock_date",
        "reset",
        "disconnected",
        "disconnected_app",
        "without_reports",
        "short_code",
        "country",
        "timezone",
        "invoice_reminders",
        "approvals_left",
        "actions",
        "demo",
        "cis",
        "budgets",
    }
)
_LOCKS = {"period_lock_date": "PeriodLockDate", "end_of_year_lock_date": "EndOfYearLockDate"}
_TEXTS = {
    "name": "Name", "base_currency": "BaseCurrency", "short_code": "ShortCode", "country": "CountryCode",
    "timezone": "Timezone",
}  # fmt: skip
NOT_IMPLEMENTED = 501
METHODS = frozenset({"GET", "PUT", "POST", "DELETE"})


def changed_organisation(world: World, books: Books, given: dict[str, Any]) -> Books:
    """Apply what was given; returns the books, which are new ones with a new tenant id after `reset`.

    Lock dates are ISO dates, null takes one away. `disconnected` true ends all connections to it, false restores them;
    `disconnected_app` ends one app's. `without_reports`: e-mail addresses of users whose role may not see reports.
    `approvals_left`: how many more invoices the plan lets anybody approve, null = no cap. `actions`: {name: allowed?}.
    `demo`: a demo company, which sends no e-mails. `cis`, `budgets`: see `cis_settings.put`, `budgets.replaced`. Raises ValueError, TypeError.
    """
    if given.get("reset"):
        mark = world.changes.mark()
        _changed(world, books, given)  # what cannot be set is refused before anything is lost
        world.changes.roll_back(mark)
        books = _reset(world, books)
    _changed(world, books, given)
    return books


def _changed(world: World, books: Books, given: dict[str, Any]) -> None:
    row = dict(books.organisation)
    for field, key in _TEXTS.items():
        if field in given:
            if not isinstance(given[field], str):
                raise TypeError(f"{field} is text")
            row[key] = given[field]
    for field, key in _LOCKS.items():
        if field in given:
            row.pop(key, None)
            if given[field] is not None:
                row[key] = wire.day(date.fromisoformat(given[field]))
    if "demo" in given:
        row["IsDemoCompany"] = _flag(given, "demo")
    _switched(books, given)
    if "cis" in given:
        cis_settings.put(books, given["cis"])
    if "budgets" in given:
        budgets.replaced(world, books, given["budgets"])
    books.table("Organisations").put(books.tenant_id, arrange(row, ORGANISATION_KEYS))
    if "base_currency" in given and books.table("Currencies").get(row["BaseCurrency"]) is None:
        code = row["BaseCurrency"]
        books.table("Currencies").put(code, {"Code": code, "Description": code})
    if "disconnected" in given:
        world.disconnect(books, ends=bool(given["disconnected"]))
    if "disconnected_app" in given:
        if given["disconnected_app"] not in world.apps:
            raise ValueError("disconnected_app is the client_id of an app")
        world.disconnect(books, given["disconnected_app"])


def _switched(books: Books, given: dict[str, Any]) -> None:
    """The switches that no document shows: reminders, the plan's cap on approvals, what the app may do."""
    settings = books.table("settings")
    if "invoice_reminders" in given:
        settings.put("invoice_reminders", {"enabled": _flag(given, "invoice_reminders")})
    if "approvals_left" in given:
        left = given["approvals_left"]
        if left is None:
            settings.drop(approvals.KEY)
        elif isinstance(left, bool) or not isinstance(left, int) or left < 0:
            raise TypeError("approvals_left is a whole number, not negative, or null")
        else:
            settings.put(approvals.KEY, {"left": left})
    if "without_reports" in given:
        users = given["without_reports"]
        if not isinstance(users, list) or not all(isinstance(email, str) for email in users):
            raise TypeError("without_reports is a list of e-mail addresses")
        settings.put(WITHOUT_REPORTS, {"users": users})
    if "actions" in given:
        said = given["actions"]
        if not isinstance(said, dict) or not all(isinstance(allowed, bool) for allowed in said.values()):
            raise TypeError("actions is an object of action names and true or false")
        unknown = said.keys() - set(organisation.ACTIONS)
        if unknown:
            raise ValueError(f"no such action: {min(unknown)}; known: {', '.join(organisation.ACTIONS)}")
        settings.put("actions", (settings.get("actions") or {}) | said)


def _flag(given: dict[str, Any], field: str) -> bool:
    if not isinstance(given[field], bool):
        raise TypeError(f"{field} is true or false")
    return bool(given[field])


def acted(world: World, books: Books, method: str, path: str, body: Any) -> Answer:
    """What a person does by Xero's own rules: a call to `path` (e.g. Invoices/{id}) without token, limits and log.

    Returns the answer that an app would get; a refusal leaves nothing behind. Raises ValueError for what is no call.
    """
    bare, _, query = path.partition("?")
    name, *rest = [part for part in bare.split("/") if part] or [""]
    resource = resources.named(name)
    if resource is None or method not in METHODS:
        raise ValueError(f"no such call: {method} {path}")
    asked = {key.lower(): value for key, value in parse_qsl(query)}
    sent = b"" if body is None else wire.compact(body)
    call = Call(world, books, CLIENT_ID, method, tuple(rest), asked, {}, sent, _name(world), resource.plural)
    mark = world.changes.mark()
    try:
        return resource.handle(call)
    except Refusal as refusal:
        world.changes.roll_back(mark)
        return refusal.answer


def made_documents(world: World, books: Books, given: dict[str, Any]) -> Answer:
    """Make documents under the API's own rules, but without a token: {"Invoices": […]}, {"Payments": […]} …"""
    if len(given) != 1 or (resource := resources.named(next(iter(given)))) is None:
        raise ValueError("the body names one resource")
    call = Call(world, books, CLIENT_ID, "PUT", (), {"unitdp": "4"}, {}, wire.compact(given), _name(world))
    try:
        return resource.handle(call)
    except Refusal as refusal:
        if refusal.answer.status == NOT_IMPLEMENTED:
            raise ValueError(f"{resource.plural} cannot be made so") from refusal
        raise


def call(world: World, books: Books) -> Call:
    """A call of nobody's, for the parts of a resource that want one."""
    return Call(world, books, CLIENT_ID, "POST", (), {"unitdp": "4"}, {}, b"", _name(world))


def _name(world: World) -> str:
    user = world.user()
    return f"{user.given_name} {user.family_name}"


def _reset(world: World, books: Books) -> Books:
    """The organisation starts over as a demo company does: empty, under a new tenant id, connected to nobody."""
    meta = world.meta.rows[f"organisation/{books.number}"]
    world.close_books(books)
    return world.open_books(books.number, meta["incarnation"] + 1)
