"""Books that somebody kept at random by Xero's rules, and their documents as Xero's lists show them.

In one process: the sandbox's own bookkeeper (tests/sandbox/ledger) acts, its journals are the judge.
"""

from decimal import Decimal
from random import Random

import msgspec

from counterfoil.sandbox import person
from counterfoil.sandbox.options import Options
from tests.sandbox.ledger.desk import Desk
from tests.sandbox.ledger.test_random_ledgers import RandomBooks

ACTS = ("document", "document", "pay", "pay", "allocate", "take_allocation_back", "delete_payment", "bank", "bank",
        "delete", "transfer", "batch", "move", "manual_journal")  # fmt: skip


def kept(seed: int, acts: int) -> Desk:
    """The books after so many acts."""
    books, dice = RandomBooks(), Random(seed)
    books.open_books()
    for _ in range(acts):
        act = dice.choice(ACTS)
        getattr(books, act)(**_arguments(act, dice))
    return books.desk


def _arguments(act: str, dice: Random) -> dict[str, object]:
    place, day = dice.randrange(10_000), f"2026-11-{dice.randint(1, 28):02}"
    amounts = [Decimal(dice.randint(1, 50_000)) / 100 for _ in range(dice.randint(1, 3))]
    rate = Decimal(dice.randint(50, 300)) / 100
    sources = ("CreditNotes", "Overpayments", "Prepayments")
    part = dice.choice([Decimal("0.1"), Decimal("0.333"), Decimal("0.5"), Decimal(1)])
    side = dice.choice(("RECEIVE", "SPEND"))
    found: dict[str, dict[str, object]] = {
        "document": {
            "kind": dice.choice(("ACCREC", "ACCREC", "ACCPAY", "ACCRECCREDIT", "ACCPAYCREDIT")), "amounts": amounts,
            "rate": dice.choice((None, rate)), "how": dice.choice(("Exclusive", "Inclusive", "NoTax")),
            "status": dice.choice(("DRAFT", "AUTHORISED", "AUTHORISED")), "place": place, "day": day,
        },
        "pay": {
            "plural": dice.choice(("Invoices", "Invoices", *sources)), "place": place, "part": part, "rate": rate,
            "account": dice.choice(("090", "091", "092", "835")), "day": day,
        },
        "allocate": {"plural": dice.choice(sources), "place": place, "part": part, "whole": dice.random() < 0.5},
        "take_allocation_back": {"plural": dice.choice(sources), "place": place},
        "delete_payment": {"place": place},
        "bank": {
            "kind": side + dice.choice(("", "-OVERPAYMENT", "-PREPAYMENT")), "amounts": amounts[:2],
            "account": dice.choice(("090", "092")), "rate": rate, "place": place, "day": day,
        },
        "delete": {"plural": dice.choice(("BankTransactions", "BankTransfers", "BatchPayments")), "place": place},
        "transfer": {"amount": amounts[0], "day": day},
        "batch": {"place": place},
        "move": {
            "plural": dice.choice(("Invoices", "CreditNotes")),
            "status": dice.choice(("AUTHORISED", "AUTHORISED", "VOIDED")), "place": place,
        },
        "manual_journal": {"amounts": amounts, "how": "NoTax", "day": day},
    }  # fmt: skip
    return found[act]


class _Element(msgspec.Struct):
    Status: str | None = None


def listed(desk: Desk, plural: str, id_key: str) -> list[tuple[str, bytes]]:
    """(id, Xero's JSON) of what is in force, as the mirror hands it over: AUTHORISED, or without a status."""
    query = (
        "?includeDeleted=true" if plural == "BankTransfers" else "" if plural == "Accounts" else "?page=1&pageSize=1000"
    )
    answer = person.acted(desk.world, desk.books, "GET", plural + query, None)
    assert answer.status == 200
    envelope = msgspec.json.decode(answer.body, type=dict[str, msgspec.Raw])
    elements = msgspec.json.decode(envelope[plural], type=list[msgspec.Raw])
    found = []
    for raw in elements:
        fields = msgspec.json.decode(raw)
        if plural == "Accounts" or fields.get("Status") in (None, "AUTHORISED"):
            found.append((fields[id_key], bytes(raw)))
    return found


def lived(seed: int, months: int) -> Desk:
    """The British organisation of a sandbox with a past, as `--history` tells it."""
    from counterfoil.sandbox import past
    from counterfoil.sandbox.world import World

    desk = Desk.__new__(Desk)
    desk.world = World(Options(history=months), seed)
    desk.world.renew(seed)
    past.lived(desk.world)
    desk.books = desk.world.organisations()[0]
    return desk
