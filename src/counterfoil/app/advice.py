"""What would save calls or money, read from the numbers; said only when they carry it, worst first, at most MOST. Pure.

Called by standing. Each piece of advice is a function of the numbers alone. A share of a day is one of the calls that Xero
allows one organisation a day (facts §2.1): the budget that runs out first.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Final

import msgspec

MOST: Final = 3
SETTINGS: Final = ("Accounts", "TaxRates", "Currencies", "TrackingCategories")
SETTINGS_READS: Final = 30  # a day, of one resource: hourly is 24
POLLING_SHARE: Final = Decimal("0.10")  # of the day, from which on a poll is worth a word
IDLE_RUNS: Final = 48  # a day: half-hourly
IDLE_SHARE: Final = Decimal("0.9")  # of the runs, that found nothing
IDLE_COST: Final = Decimal("0.05")  # of the day, that runs which found nothing cost
FULL_DAY: Final = Decimal("0.8")
REFUSED_SHARE: Final = Decimal("0.01")
REFUSED_MIN: Final = 10
INTERVALS: Final = ((15, "15m"), (60, "1h"))  # minutes: what is proposed, the first that is longer than twice what is


class Reading(msgspec.Struct, frozen=True):
    """How often one entity's resource was read a day for keeping up (lane sync), and by which flow."""

    entity: str
    resource: str
    calls: int


class FlowRuns(msgspec.Struct, frozen=True):
    """A flow's runs of the last 24 hours: how many, how many of them found nothing new, what those cost in calls."""

    flow: str
    runs: int
    idle: int
    idle_calls: int


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """What advice is read from. Per day: of the last whole day where there is one, else of today so far.

    `days`: calls of each entity; `refused`: answers of 429 among all `calls`. `at_end` None: too early to say.
    """

    day_limit: int
    calls: int = 0
    refused: int = 0
    days: tuple[tuple[str, int], ...] = ()
    readings: tuple[Reading, ...] = ()
    flows: tuple[FlowRuns, ...] = ()
    tier: str = "core"
    tier_price_at_end: Decimal | None = None
    fits: str | None = None
    fits_price: Decimal | None = None
    currency: str = "AUD"
    days_counted: int = 0
    connections: int = 0
    connections_max: int | None = None


class Advice(msgspec.Struct, frozen=True):
    """One sentence, and how bad it is: 1 is a whole day's calls, or a cap that is reached."""

    kind: str
    weight: Decimal
    text: str


def recommend(numbers: Numbers) -> tuple[Advice, ...]:
    """The worst first, at most MOST."""
    found = [one for rule in RULES for one in rule(numbers)]
    return tuple(sorted(found, key=lambda one: (-one.weight, one.kind, one.text))[:MOST])


def idle_runs(numbers: Numbers) -> Iterable[Advice]:
    """A flow that runs so often that most runs find nothing."""
    for flow in numbers.flows:
        share = Decimal(flow.idle_calls) / numbers.day_limit
        if flow.runs < IDLE_RUNS or flow.idle < flow.runs * IDLE_SHARE or share < IDLE_COST:
            continue
        minutes = 24 * 60 // flow.runs
        instead = next((text for length, text in INTERVALS if length > 2 * minutes), INTERVALS[-1][1])
        yield Advice(
            "idle",
            share,
            f"{flow.idle:,} of {flow.runs:,} runs of {flow.flow} in a day found nothing and cost {flow.idle_calls:,} calls: "
            f'every = "{instead}" would do.',
        )


def polling(numbers: Numbers) -> Iterable[Advice]:
    """One resource takes much of an organisation's day only to be looked at."""
    for one in numbers.readings:
        share = Decimal(one.calls) / numbers.day_limit
        if one.resource not in SETTINGS and share >= POLLING_SHARE:
            yield Advice(
                "polling",
                share,
                f"{_percent(share)} of {one.entity}'s day goes to asking what changed in {one.resource} "
                f"({one.calls:,} calls): run its flows less often.",
            )


def settings_reads(numbers: Numbers) -> Iterable[Advice]:
    """Accounts, taxes, currencies and tracking are read more often than they could change."""
    for entity in dict.fromkeys(one.entity for one in numbers.readings):
        mine = [one for one in numbers.readings if one.entity == entity and one.resource in SETTINGS]
        often = [one for one in mine if one.calls >= SETTINGS_READS]
        if not often:
            continue
        worst = max(often, key=lambda one: one.calls)
        calls = sum(one.calls for one in mine)
        share = Decimal(calls) / numbers.day_limit
        yield Advice(
            "settings",
            share,
            f"{entity}'s {worst.resource} are read {worst.calls:,} times a day, {_percent(share)} of it: records that fail "
            "on a setting have them read afresh. See `counterfoil problems`.",
        )


def full_day(numbers: Numbers) -> Iterable[Advice]:
    """An organisation whose day is nearly used up."""
    for entity, calls in numbers.days:
        share = Decimal(calls) / numbers.day_limit
        if share >= FULL_DAY:
            yield Advice(
                "day",
                share,
                f"{entity} used {calls:,} of the {numbers.day_limit:,} calls of a day: what is left over waits for the next.",
            )


def refusals(numbers: Numbers) -> Iterable[Advice]:
    """Answers of 429 although we pace ourselves: somebody else draws on the same limits."""
    if numbers.refused < REFUSED_MIN or numbers.refused < numbers.calls * REFUSED_SHARE:
        return
    share = Decimal(numbers.refused) / numbers.calls
    yield Advice(
        "refused",
        share,
        f"Xero refused {numbers.refused:,} of {numbers.calls:,} calls of a day as too many: does another installation or "
        "program use this client id?",
    )


def tier(numbers: Numbers) -> Iterable[Advice]:
    """A cheaper tier would do, or the one that there is does not. Only on a week's numbers."""
    if numbers.fits is None or numbers.fits == numbers.tier or numbers.days_counted < 7:
        return
    now, other = numbers.tier_price_at_end, numbers.fits_price
    if now is not None and other is not None and other < now:
        saved = now - other
        yield Advice(
            "tier",
            min(Decimal(1), saved / max(now, Decimal(1))),
            f"Tier {numbers.fits} is enough: this month would cost {other:,.2f} {numbers.currency} instead of {now:,.2f}.",
        )
    elif now is not None and (other is None or other > now):
        yield Advice(
            "tier", Decimal(1), f"The use of this app is more than tier {numbers.tier} allows: {numbers.fits} fits."
        )


def connections(numbers: Numbers) -> Iterable[Advice]:
    """The cap of connections is near."""
    most = numbers.connections_max
    if most is not None and numbers.connections * 100 >= most * 80:
        yield Advice(
            "connections",
            Decimal(numbers.connections) / most,
            f"{numbers.connections:,} of the {most:,} connections of tier {numbers.tier} are used: "
            "`counterfoil connections` shows which no entity needs.",
        )


RULES: Final[Sequence[Callable[[Numbers], Iterable[Advice]]]] = (
    idle_runs,
    polling,
    settings_reads,
    full_day,
    refusals,
    tier,
    connections,
)


def _percent(share: Decimal) -> str:
    return f"{share * 100:.0f} %"
