"""What tracked items cost: every movement of an item replayed in order of days, at the average cost of what was there.

Called by `resources.stock` (after each write), `documents` and `bank` (what the costs post). Pure. Facts 4.6: the cost of
a tracked item is the average cost; 5.0 and 5.6: stock, back orders. Assumed, where no source tells: on one day what
comes precedes what goes; what a customer gives back comes at the average cost, or the last one known; what goes back to
a supplier goes at the average cost, and what the credit differs from it is cost of sales; what was on back order costs
what there is when it is served, on that day. Whoever changes the past changes the costs of what was sold since.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, NamedTuple

from counterfoil.sandbox.books import Books
from counterfoil.sandbox.ledger.entry import CENT, ZERO, Entry, Line
from counterfoil.sandbox.tables import Row

TABLE: Final = "stock"
WORTH_MAX: Final = Decimal("9999999999.99")  # what a line may come to (facts 4.6)
_NONE: Final = Decimal(0)


class Cost(NamedTuple):
    """What a movement moves from the inventory account to cost of sales on a day; negative: back."""

    day: str
    amount: Decimal


@dataclass(slots=True)
class Replayed:
    """What there is of an item after all its movements. `costs`: by the movement's key.

    `is_short`: something went that was not there; `is_absurd`: something came back that would cost more than WORTH_MAX.
    """

    quantity: Decimal = _NONE
    pool: Decimal = ZERO
    on_back_order: Decimal = _NONE
    is_short: bool = False
    is_absurd: bool = False
    costs: dict[str, list[Cost]] = field(default_factory=dict)


class _Replay:
    """One pass over an item's movements."""

    def __init__(self) -> None:
        self.found = Replayed()
        self._average = _NONE
        self._waiting: deque[tuple[Row, Decimal]] = deque()

    def moved(self, row: Row) -> None:
        """The next movement."""
        self.found.costs[row["key"]] = []
        quantity, value = row["quantity"], row["value"]
        if quantity < 0:
            self._gone(row, -quantity, value)
            return
        if value is None:
            value = self._back_at_average(quantity)
            self._cost(row, row["day"], -value)
        self.found.quantity += quantity
        self.found.pool += value
        self._serve(row["day"])

    def finished(self) -> Replayed:
        """The end: what still waits is on back order."""
        self.found.on_back_order = sum((quantity for _, quantity in self._waiting), _NONE)
        return self.found

    def _gone(self, row: Row, quantity: Decimal, value: Decimal | None) -> None:
        taken = min(quantity, self.found.quantity)
        cost = self._take(taken)
        if value is None:
            self._cost(row, row["day"], cost)
        else:  # the credit took its own amount off the account already
            self._cost(row, row["day"], cost + value)
        if taken < quantity:
            self.found.is_short = self.found.is_short or not row["backorder"]
            self._waiting.append((row, quantity - taken))

    def _serve(self, day: str) -> None:
        """What waits gets what there is, oldest first."""
        while self._waiting and self.found.quantity:
            row, wanted = self._waiting.popleft()
            taken = min(wanted, self.found.quantity)
            self._cost(row, day, self._take(taken))
            if taken < wanted:
                self._waiting.appendleft((row, wanted - taken))

    def _take(self, quantity: Decimal) -> Decimal:
        """The cost of so much of what there is; the last of it takes every cent."""
        if not quantity:
            return ZERO
        self._average = self.found.pool / self.found.quantity
        is_all = quantity == self.found.quantity
        cost = self.found.pool if is_all else (quantity * self._average).quantize(CENT, ROUND_HALF_UP)
        self.found.quantity -= quantity
        self.found.pool -= cost
        return cost

    def _back_at_average(self, quantity: Decimal) -> Decimal:
        average = self.found.pool / self.found.quantity if self.found.quantity else self._average
        worth = quantity * average
        if abs(worth) > WORTH_MAX:
            self.found.is_absurd = True
            return ZERO
        return worth.quantize(CENT, ROUND_HALF_UP)

    def _cost(self, row: Row, day: str, amount: Decimal) -> None:
        if amount:
            self.found.costs[row["key"]].append(Cost(day, amount))


def replayed(rows: Iterable[Row]) -> Replayed:
    """All movements of one item, in any order."""
    replay = _Replay()
    for row in sorted(rows, key=lambda row: (row["at"], row["quantity"] < 0, row["n"])):
        replay.moved(row)
    return replay.finished()


def entries(books: Books, plural: str, document: Row, own_id: str) -> list[Entry]:
    """What the tracked lines of a posted document cost: cost of sales against the inventory account."""
    found = []
    for row in books.table(TABLE).find("document", f"{plural}/{own_id}"):
        for n, (day, amount) in enumerate(row["costs"]):
            lines = [Line(row["cost_of_sales"], amount), Line(row["asset"], -amount)]
            part = f"stock/{row['key']}/{n}"
            found.append(Entry(part, own_id, document["Type"], day, document.get("Reference", ""), lines))
    return found
