"""The clerk: carries one thing out by the functions that answer the API, as a person of the organisation.

Called by `cast` and `diary`. Whatever those functions refuse ends the start of the sandbox: a past that Xero's rules do
not allow is a mistake of ours, except where the chart of somebody's own organisation lacks what is needed, which `cast`
asks for beforehand.
"""

from typing import Any, Final

from counterfoil.sandbox import resources, wire
from counterfoil.sandbox.answers import Call, Refusal
from counterfoil.sandbox.books import Books
from counterfoil.sandbox.resources import (
    bank_transactions,
    bank_transfers,
    credit_notes,
    invoices,
    manual_journals,
    payments,
)
from counterfoil.sandbox.tables import Row
from counterfoil.sandbox.world import CLIENT_ID, World

_COLLECTIONS: Final = {
    collection.plural: collection
    for collection in (
        invoices.COLLECTION,
        credit_notes.COLLECTION,
        bank_transactions.COLLECTION,
        bank_transfers.COLLECTION,
        manual_journals.COLLECTION,
    )
}


class ImpossibleError(Exception):
    """Xero's rules refuse what the past wanted; the message says what and why."""


class Clerk:
    """One organisation's clerk. Elements are as an app would send them; what is returned is the stored row."""

    def __init__(self, world: World, books: Books) -> None:
        user = world.user()
        self.books = books
        self._world = world
        self._name = f"{user.given_name} {user.family_name}"
        self._call = self._asking("PUT", (), b"")

    def made(self, plural: str, **element: Any) -> Row:
        """A new document of a collection."""
        collection = _COLLECTIONS[plural]
        assert collection.created is not None
        outcome = collection.created(self._call, collection.shape.read(element, plural))
        _checked(plural, outcome.errors)
        return self.books.table(plural).rows[outcome.element[collection.id_key]]

    def changed(self, plural: str, **element: Any) -> None:
        """A change of one that is there, which the element names by its id."""
        collection = _COLLECTIONS[plural]
        assert collection.saved is not None
        _checked(plural, collection.saved(self._call, collection.shape.read(element, plural)).errors)

    def paid(self, **element: Any) -> None:
        """A payment or refund."""
        _checked("Payments", payments.created(self._call, payments.SHAPE.read(element, "Payments")).errors)

    def asked(self, method: str, path: str, body: Any) -> list[Row]:
        """Anything else, as a whole request; the elements of its answer."""
        name, *rest = path.split("/")
        resource = resources.named(name)
        assert resource is not None
        try:
            answer = resource.handle(self._asking(method, tuple(rest), wire.compact(body)))
        except Refusal as refusal:
            answer = refusal.answer
        if answer.status >= 400:
            raise ImpossibleError(f"{method} {path}: {answer.body.decode('utf-8', 'replace')}")
        elements: list[Row] = wire.decode(answer.body)[answer.plural]
        return elements

    def _asking(self, method: str, path: tuple[str, ...], body: bytes) -> Call:
        return Call(self._world, self.books, CLIENT_ID, method, path, {}, {}, body, self._name)


def _checked(plural: str, errors: list[str]) -> None:
    if errors:
        raise ImpossibleError(f"{plural}: {'; '.join(errors)}")
