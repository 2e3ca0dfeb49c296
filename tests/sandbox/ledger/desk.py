"""A bookkeeper's desk over a whole sandbox in this process: calls by Xero's rules, and what the ledger makes of them."""

import json
from decimal import Decimal
from typing import Any

from counterfoil.sandbox import person
from counterfoil.sandbox.options import Options
from counterfoil.sandbox.world import World

ZERO = Decimal(0)


class Desk:
    """The British organisation of a fresh world."""

    def __init__(self, **options: Any) -> None:
        self.world = World(Options(**options), 1)
        self.world.renew(1)
        self.world.commit()
        self.books = self.world.organisations()[0]

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and decoded answer of one call; committed as the door does."""
        answer = person.acted(self.world, self.books, method, path, body)
        self.world.commit()
        is_json = (answer.content_type or "").startswith("application/json")
        return answer.status, json.loads(answer.body, parse_float=Decimal) if is_json else None

    def made(self, plural: str, **element: Any) -> Any:
        """The element that a PUT makes; it must succeed."""
        status, answer = self.ask("PUT", plural, element)
        assert status == 200, answer
        return answer[plural.rpartition("/")[2]][0]

    def sums(self) -> dict[str, Decimal]:
        """Every account's balance by its code, debits positive, accounts without one left out."""
        codes = {row["AccountID"]: row["Code"] for row in self.books.table("Accounts")}
        found: dict[str, Decimal] = {}
        for journal in self.books.table("journals"):
            for line in journal["lines"]:
                found[codes[line[0]]] = found.get(codes[line[0]], ZERO) + line[1]
        return {code: amount for code, amount in sorted(found.items()) if amount}


def line(account: str, amount: Any, **fields: Any) -> dict[str, Any]:
    """A line of this net amount."""
    return {"Description": "x", "Quantity": 1, "UnitAmount": str(amount), "AccountCode": account, **fields}
