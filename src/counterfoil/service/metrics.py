"""/metrics: a snapshot in Prometheus' text form. What each name means is in docs/howto/operate.md.

Called by application. Labels are the user's own keys of entities and flows, states and kinds: never a name, an id of a
person, an address or a text of Xero's. Of each name there are SERIES_MAX series at most.
"""

import datetime
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from litestar import Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily

from counterfoil.access.tokens import OUTCOMES
from counterfoil.service.health import Health
from counterfoil.service.snapshot import Snapshot, Snapshots
from counterfoil.store.gauges import ENDED, OPEN
from counterfoil.store.inbox_counts import LAG_S, Heard
from counterfoil.xero import tally

PREFIX: Final = "counterfoil_"
SERIES_MAX: Final = 2_000  # of one name; more are left out, and their number is told
USED: Final = {
    "calls": "Calls to Xero today.",
    "calls_refused": "Calls of today that Xero answered with 429.",
    "calls_failed": "Calls of today with a 5xx, or without a whole answer.",
    "egress_bytes": "What was drawn from Xero today, as Xero meters it.",
}
CONSENTS: Final = ("living", "refreshing", "lost")

Series = Iterable[tuple[tuple[str, ...], float]]


class Metrics:
    """The metrics of one installation."""

    def __init__(self, books: Any, health: Callable[[], Health | None]) -> None:
        self._snapshots = Snapshots(books, health)

    async def answer(self) -> Response[bytes]:
        """GET /metrics."""
        text = exposed(await self._snapshots.latest())
        kind = CONTENT_TYPE_PLAIN_0_0_4.partition("; charset")[0]
        return Response(text, media_type=kind)


def exposed(snapshot: Snapshot) -> bytes:
    """A snapshot as text."""
    return generate_latest(_Once(snapshot))  # it asks for collect() alone


class _Once:
    """What the library collects: one snapshot's families, and the process's own."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._left_out = 0

    def collect(self) -> Iterator[Any]:
        """Every family."""
        one = self._snapshot
        yield InfoMetricFamily(f"{PREFIX}build", "What runs.", value=one.build)
        yield from self._of_the_database(one)
        if one.heard is not None:
            yield from self._of_webhooks(one.heard, one.at)
        yield from self._of_the_process(one)
        yield from self._of_the_runtime(one)
        yield self._gauge("series_left_out", "Series beyond the bound of their names.", [((), self._left_out)])
        yield from ProcessCollector(registry=None).collect()

    def _of_the_database(self, one: Snapshot) -> Iterator[Any]:
        found = one.measured
        yield self._gauge("database_up", "Whether our database answers.", [((), found is not None)])
        if found is None:
            return
        entities = {bound.tenant_id: bound.entity for bound in found.bound}
        yield self._gauge(
            "entity_reached", "Whether a living consent reaches it.",
            [((bound.entity,), bound.is_reached) for bound in found.bound], "entity",
        )  # fmt: skip
        yield self._gauge(
            "entity_stopped", "Whether its writes are stopped.", [((bound.entity,), bound.is_stopped) for bound in found.bound], "entity"
        )  # fmt: skip
        yield from self._of_budgets(one, entities)
        yield from self._of_usage(one)
        yield from self._of_imports(one)
        yield from self._of_feeds(one)
        counts = {
            **{key: found.postings.get(key, 0) for key in _pairs(entities, OPEN)},
            **{key: one.ended.get(key, 0) for key in _pairs(entities, ENDED)},
        }
        yield self._gauge(
            "postings", "Documents and contacts by state.",
            [((entities[tenant], state), count) for (tenant, state), count in counts.items()], "entity", "state",
        )  # fmt: skip
        yield self._gauge(
            "oldest_open_posting_seconds", "Age of the oldest posting that is not at its end; 0: there is none.",
            [((entity,), _age(one.at, found.oldest.get(tenant))) for tenant, entity in entities.items()], "entity",
        )  # fmt: skip
        yield self._gauge(
            "mirror_age_seconds", "How long ago the mirror was last caught up.",
            [((entities[tenant], resource), _age(one.at, since)) for (tenant, resource), since in found.mirror.items() if tenant in entities],
            "entity", "resource",
        )  # fmt: skip
        yield self._gauge(
            "problems", "Records that need a person.",
            [((one.flows.get(flow, flow), cause), count) for (flow, cause), count in found.problems.items()], "flow", "cause",
        )  # fmt: skip
        yield self._gauge(
            "consents", "Consents by state.", [((state,), found.consents.get(state, 0)) for state in CONSENTS], "state"
        )
        yield self._gauge(
            "notices",
            "What a person must know, while it stands.",
            [((kind,), count) for kind, count in found.notices.items()],
            "kind",
        )
        yield self._gauge(
            "messages_undelivered", "Messages of [[notify]] that failed and are tried again.", [((), found.undelivered)]
        )
        yield self._gauge("messages_given_up", "Messages of [[notify]] that nobody got.", [((), found.given_up)])

    def _of_feeds(self, one: Snapshot) -> Iterator[Any]:
        for name, words, values in (
            ("feed_waiting", "Changes that a feed is still to be handed.", [fed.waiting for fed in one.feeds]),
            ("feed_unseen", "Changes that a feed has not looked through yet.", [fed.unseen for fed in one.feeds]),
            ("feed_lag_seconds", "Age of the oldest change that waits; 0: none does.", [_age(one.at, fed.since) for fed in one.feeds]),
            ("feed_dead_letters", "Changes that could not be handed over.", [fed.dead for fed in one.feeds]),
            ("feed_up", "Whether it takes changes: not down, paused or ended.", [fed.state in ("ok", "new") for fed in one.feeds]),
        ):  # fmt: skip
            series = [((fed.name,), value) for fed, value in zip(one.feeds, values, strict=True)]
            yield self._gauge(name, words, series, "feed")

    def _of_budgets(self, one: Snapshot, entities: dict[str, str]) -> Iterator[Any]:
        known = [(entities[tenant], budget) for tenant, budget in one.budgets.items() if tenant in entities]
        for name, words, values in (
            ("minute_used", "Calls that occupy the minute.", [b.minute_used for _, b in known]),
            ("minute_limit", "Calls a minute.", [b.minute_limit for _, b in known]),
            ("slots_used", "Calls that run.", [b.slots_used for _, b in known]),
            ("slots_limit", "Calls at once.", [b.slots_limit for _, b in known]),
            ("day_limit", "Calls a day.", [b.day_limit for _, b in known]),
            ("calls_stopped", "Whether calls wait for a limit or an outage.", [bool(b.waits) for _, b in known]),
        ):
            series = [((entity,), value) for (entity, _), value in zip(known, values, strict=True)]
            yield self._gauge(name, words, series, "entity")
        told = [(entity, budget) for entity, budget in known if budget.day_left is not None]
        yield self._gauge(
            "day_left",
            "Calls left today, as Xero said.",
            [((entity,), b.day_left or 0) for entity, b in told],
            "entity",
        )
        yield self._gauge(
            "day_used", "Calls of today, as Xero said.", [((entity,), max(0, b.day_limit - (b.day_left or 0))) for entity, b in told], "entity"
        )  # fmt: skip
        short = [(entity, budget.day_runs_out_at) for entity, budget in known if budget.day_runs_out_at is not None]
        yield self._gauge(
            "day_runs_out_seconds", "When the day is used up at this pace; absent: it lasts.",
            [((entity,), max(0.0, (at - one.at).total_seconds())) for entity, at in short], "entity",
        )  # fmt: skip
        app = [budget for _entity, budget in known][:1]
        yield self._gauge(
            "app_minute_used",
            "Calls of all organisations that occupy the app's minute.",
            [((), b.app_minute_used) for b in app],
        )
        yield self._gauge(
            "app_minute_limit", "Calls a minute of the whole app.", [((), b.app_minute_limit) for b in app]
        )

    def _of_imports(self, one: Snapshot) -> Iterator[Any]:
        """What is on its way, as `status` says it; an entity of which nothing is has no series."""
        ways = one.imports
        yield self._gauge(
            "sending_left", "Documents and contacts to be sent.", [((w.entity,), w.left) for w in ways], "entity"
        )
        yield self._gauge(
            "sending_per_minute", "Documents and contacts sent a minute of late.", [((w.entity,), w.per_minute or 0) for w in ways], "entity"
        )  # fmt: skip
        yield self._gauge(
            "sending_left_seconds", "What that will take; absent: nobody knows.",
            [((w.entity,), w.seconds_left) for w in ways if w.seconds_left is not None], "entity",
        )  # fmt: skip
        read = [
            ((one.flows.get(flow_id, flow_id),), place.records, place.percent) for flow_id, place in one.reading.items()
        ]
        yield self._gauge(
            "reading_records",
            "Records planned of a source that is being read.",
            [(flow, n) for flow, n, _ in read],
            "flow",
        )
        yield self._gauge(
            "reading_percent", "How much of it is read.", [(flow, part) for flow, _, part in read if part is not None], "flow"
        )  # fmt: skip

    def _of_usage(self, one: Snapshot) -> Iterator[Any]:
        """Of today (UTC), all processes together; a counter begins anew at midnight."""
        sums: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        for row in one.usage:
            sums[row.entity or "", row.lane].update(
                calls=row.calls, calls_refused=row.refused, calls_failed=row.failed,
                egress_bytes=row.read_bytes if row.is_egress else 0,
            )  # fmt: skip
        for name, words in USED.items():
            yield self._counter(name, words, [(key, of[name]) for key, of in sums.items()], "entity", "lane")

    def _of_webhooks(self, heard: Heard, now: datetime.datetime) -> Iterator[Any]:
        """Of all processes, since the database was made."""
        yield self._counter(
            "webhook_requests", "Requests to the webhooks' address.", [((name,), count) for name, count in heard.outcomes.items()], "outcome"
        )  # fmt: skip
        events = {"stored": heard.events, "unread": heard.unread, "seen": heard.seen, "unseen": heard.unseen}
        yield self._counter(
            "webhook_events",
            "Events of Xero's webhooks.",
            [((name,), count) for name, count in events.items()],
            "state",
        )
        yield self._gauge(
            "webhook_marks", "Parts of ledgers that events say are to be looked at.", [((), heard.waiting)]
        )
        yield self._gauge(
            "webhook_failing_seconds", "For how long nothing but failures came; 0: the last one was taken.",
            [((), max(_age(now, heard.failing_since), heard.failing_s))],
        )  # fmt: skip
        for name, words, lag in (
            ("arrived", "From an event at Xero to its receipt.", heard.arrived),
            ("settled", "From an event's receipt to the mirror that holds it.", heard.settled),
        ):
            family = HistogramMetricFamily(f"{PREFIX}webhook_{name}_seconds", words)
            below = list(itertools.accumulate(lag.buckets))
            buckets = [(str(float(limit)), count) for limit, count in zip(LAG_S, below, strict=True)]
            family.add_metric((), [*buckets, ("+Inf", lag.count)], lag.sum_s)
            yield family

    def _of_the_process(self, one: Snapshot) -> Iterator[Any]:
        yield self._counter(
            "answers", "Answers of Xero to this process.", [((name,), one.answers.get(name, 0)) for name in tally.CLASSES], "status"
        )  # fmt: skip
        yield self._counter(
            "background_failures", "What this process does beside its work failed in a way that nobody foresaw.",
            [((name,), count) for name, count in one.unforeseen.items()], "task",
        )  # fmt: skip
        yield self._counter(
            "rate_limited", "Answers of 429 to this process.", [((name,), one.refusals.get(name, 0)) for name in tally.LIMITS], "limit"
        )  # fmt: skip
        yield self._counter(
            "refreshes", "Refreshes of consents by this process.", [((name,), one.refreshes.get(name, 0)) for name in OUTCOMES], "outcome"
        )  # fmt: skip

    def _of_the_runtime(self, one: Snapshot) -> Iterator[Any]:
        health = one.health
        yield self._gauge(
            "working", "Whether this process carries out work.", [((), health is not None and health.ready)]
        )
        if health is None:
            return
        yield self._gauge("started_timestamp_seconds", "Since when it runs.", [((), health.started.timestamp())])
        yield self._gauge("work_in_flight", "Pieces of work that run.", [((), health.in_flight)])
        yield self._gauge(
            "sweep_age_seconds",
            "How long ago open work was last looked for.",
            [((kind,), _age(one.at, at)) for kind, at in health.sweeps.items()],
            "kind",
        )
        failing: dict[tuple[str, ...], float] = {}
        worst: dict[tuple[str, ...], float] = {}
        for piece, count in health.failures.items():
            key = (piece.partition(":")[0],)
            failing[key] = failing.get(key, 0) + 1
            worst[key] = max(worst.get(key, 0), count)
        yield self._gauge("work_failing", "Pieces of work that failed last time.", failing.items(), "kind")
        yield self._gauge("work_failures_in_a_row", "Of the piece that fails longest.", worst.items(), "kind")
        timed = [schedule for schedule in health.schedules if schedule.next is not None]
        yield self._gauge(
            "schedule_late_seconds", "How long a flow's next run is overdue.",
            [((schedule.flow,), _age(one.at, schedule.next)) for schedule in timed], "flow",
        )  # fmt: skip
        yield self._gauge(
            "schedule_last_timestamp_seconds", "When a flow last began by its schedule.",
            [((schedule.flow,), schedule.last.timestamp()) for schedule in health.schedules if schedule.last is not None], "flow",
        )  # fmt: skip

    def _gauge(self, name: str, words: str, series: Series, *labels: str) -> Any:
        return self._filled(GaugeMetricFamily(PREFIX + name, words, labels=labels), series)

    def _counter(self, name: str, words: str, series: Series, *labels: str) -> Any:
        return self._filled(CounterMetricFamily(PREFIX + name, words, labels=labels), series)

    def _filled(self, family: Any, series: Series) -> Any:
        ordered = sorted(series)
        self._left_out += max(0, len(ordered) - SERIES_MAX)
        for labels, value in ordered[:SERIES_MAX]:
            family.add_metric(labels, float(value))
        return family


def _pairs(entities: dict[str, str], states: Sequence[str]) -> list[tuple[str, str]]:
    return [(tenant, state) for tenant in entities for state in states]


def _age(now: datetime.datetime, since: datetime.datetime | None) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())
