"""What the operations answer: plain values, the same for the command line, the library and later the console.

Called by everything in app/ and by cli/. Field names and meanings of `RunReport` and `Listed` are contract (design §5.2).
"""

import datetime
from decimal import Decimal
from typing import Any

import msgspec


class RunReport(msgspec.Struct, frozen=True):
    """A run's outcome. The eight outcomes add up to `records` (for `finish`: `records` and `flow` are None)."""

    run: int
    flow: str | None
    records: int | None
    posted: int
    updated: int
    adopted: int
    unchanged: int
    rejected: int
    held: int
    uncertain: int
    planned: int
    problems: int
    api_calls: int
    egress_bytes: int
    elapsed_s: float
    stops: tuple[str, ...] = ()  # why work is left, one sentence per entity; not part of the JSON
    notices: tuple[str, ...] = ()  # what to know before approved documents go there; not part of the JSON
    stop_code: int = 0
    credits: tuple[str, ...] = ()  # credit that customers have now, since invoices were credited; not part of the JSON

    @property
    def exit_code(self) -> int:
        """0 done, 1 needs a person, 3 no consent or binding, 4 work is left."""
        if self.stop_code:
            return self.stop_code
        if self.planned:
            return 4
        return 1 if self.rejected or self.held or self.uncertain or self.problems else 0

    def to_json(self) -> dict[str, Any]:
        """The value that `--json` prints."""
        plain = msgspec.to_builtins(self)
        for name in ("stops", "stop_code", "notices", "credits"):
            del plain[name]
        if self.records is None:
            del plain["records"]
        plain["elapsed_s"] = round(self.elapsed_s, 3)
        return plain  # type: ignore[no-any-return]  # to_builtins of a struct is a dict


class Document(msgspec.Struct, frozen=True):
    """Where a posting's document is."""

    id: str
    number: str | None
    url: str


class Listed(msgspec.Struct, frozen=True):
    """One posting or bad row in a list."""

    id: int | None
    state: str
    entity: str | None
    flow: str
    kind: str
    external_id: str | None
    source: str
    reason: str | None
    xero_messages: list[str] | None
    remedy: str | None
    document: Document | None


class Problem(msgspec.Struct, frozen=True):
    """One cause that needs a person, and the records that it stops.

    `amounts`: what waits, per currency, as far as the records say so; `unknown`: how many that wait do not.

    `field` is the field that is wrong, `column` where the source has it, `value` what stands there when it is the same everywhere, `cure` the
    command that most likely helps (what follows `counterfoil problems`), "" when it is no command.
    """

    n: int
    cause: str
    flow: str
    count: int
    amounts: dict[str, Decimal]
    reason: str
    remedy: str
    xero_messages: list[str]
    records: tuple[Listed, ...]
    field: str = ""
    value: str = ""
    cure: str = ""
    totals: tuple[tuple[Decimal, str] | None, ...] = ()  # of each record, in their order; None: it has none
    column: str = ""
    unknown: int = 0


class PlanLine(msgspec.Struct, frozen=True):
    """One record's predicted fate. `sign`: + create, = same, ⇄ adopt, ! held, × refused, ~ changed."""

    sign: str
    entity: str | None
    external_id: str | None
    source: str
    number: str | None
    total: Decimal | None
    currency: str | None
    reason: str | None
    remedy: str | None


class PlanReport(msgspec.Struct, frozen=True):
    """What a run would do. `totals`: entity → currency → what would be created."""

    flow: str
    records: int
    lines: tuple[PlanLine, ...]
    totals: dict[str, dict[str, Decimal]]
    contacts: int
    calls: int
    seconds: float
    stops: tuple[str, ...] = ()  # why entities could not be planned at all, one sentence each
    stop_code: int = 0
    notices: tuple[str, ...] = ()  # what to know before approved documents go there
    pauses: tuple[str, ...] = ()  # what a run of it would wait for, one sentence each

    def count(self, sign: str) -> int:
        """How many records have this fate."""
        return sum(1 for line in self.lines if line.sign == sign)


class ProofRow(msgspec.Struct, frozen=True):
    """One day, entity and currency: the source, our postings and Xero's documents side by side."""

    entity: str
    date: datetime.date | None
    currency: str
    source_count: int
    source_tax: Decimal
    source_total: Decimal
    ours_count: int
    ours_tax: Decimal
    ours_total: Decimal
    xero_count: int
    xero_tax: Decimal
    xero_total: Decimal

    @property
    def agrees(self) -> bool:
        """True when Xero holds exactly what we posted."""
        return (self.ours_count, self.ours_tax, self.ours_total) == (self.xero_count, self.xero_tax, self.xero_total)


class Proof(msgspec.Struct, frozen=True):
    """What `prove` found. `differences` name each document that is not as we posted it; `duplicates` each second one.

    `not_posted`: records that stand in no document, less those that were taken back (`undone`).
    """

    flow: str
    rows: tuple[ProofRow, ...]
    differences: tuple[str, ...]
    duplicates: tuple[str, ...]
    not_posted: int
    undone: int = 0

    @property
    def holds(self) -> bool:
        """True when every posted record stands in Xero once, to the cent."""
        return not self.differences and not self.duplicates and all(row.agrees for row in self.rows)
