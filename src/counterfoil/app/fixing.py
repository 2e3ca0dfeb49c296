"""`problems fix`: a person's correction is tried on the records that we keep, and stored only when it cures them.

Called by cli/problems and the library. A fix never changes a record; it is laid over it each time the record is read
(model/fixes), can be undone, and is in the audit log by its number. Trying costs no call; when what was read last does
not show a cure, settings are read afresh: calls as app/intake says.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from counterfoil import errors, flows
from counterfoil.app import acts, customers_fixed, retrying, troubles
from counterfoil.app.checking import Checked
from counterfoil.app.intake import Intake
from counterfoil.app.ledgers import Blocked
from counterfoil.app.wishes import FixReport, Wish
from counterfoil.model import fixes
from counterfoil.model.fixes import Fix
from counterfoil.model.prepared import Finding
from counterfoil.settings import FlowSettings
from counterfoil.store import fixes as stored
from counterfoil.store.database import Connection
from counterfoil.store.postings import Posting
from counterfoil.store.runs import BadRow

RECORDS_TRIED_MAX = 2_000  # of one problem; what cures these cures the others, or they stay on the list
ABOUT_ONE_RECORD = ("total-differs",)  # the same amount elsewhere is chance
DRAFT = 1 << 60  # numbers of fixes that are not stored yet: newer than any that is
TWINS = {"account": ("account_code", "account"), "tax": ("tax_type", "tax")}  # Xero's code, or the entity's own name


class _Tried(msgspec.Struct, frozen=True):
    """One record of the problem: as it is, and what is wrong with it of this cause."""

    external_id: str | None
    raw: bytes
    entity: str | None
    found: tuple[Finding, ...]
    of_cells: bool = False


async def fix(books: Any, n: int, wish: Wish) -> FixReport:
    """Correct the records of a problem, and all like them that ever come. Idempotent: the same fix again does nothing new.

    Raises NotFound; InputError when nothing is asked for, when one value cannot be meant for all of them, and when it
    cures none, with what would still be wrong.
    """
    if wish.use is None and wish.date is None and not wish.put:
        raise errors.InputError("Nothing to put instead.", remedy="Say --use VALUE, --date DAY or --set FIELD=VALUE.")
    problem, stuck = await troubles.one_and_its_own(books, n)
    cause = fixes.base_cause(problem.cause)
    if cause.startswith("contact-"):
        return await customers_fixed.fix(books, problem, stuck, wish)
    flow = books.flows.get(problem.flow)
    if flow is None:
        raise errors.InputError(f"Flow {problem.flow} is no longer in the configuration.", remedy="Put it back first.")
    records = [one for one in await _records(books, stuck) if wish.only in (None, one.external_id)]
    if not records:
        raise _nothing_to_fix(n, stuck, wish.only)
    error: errors.CounterfoilError | None = None
    current = await books.database.read(lambda conn: stored.current(conn, flow.id))
    for offline in (True, False):
        intake = Intake(books, flow, flows.kind(flow.kind), offline=offline)
        try:
            return await _Attempt(books, flow, n, cause, wish, intake, current).carry_out(records[:RECORDS_TRIED_MAX])
        except errors.InputError as said:
            error = error or said
        except (errors.RunAgain, errors.Reconnect) as said:
            error = error or said  # Xero cannot be asked: what was found without asking is said
            break
    assert error is not None
    raise error


async def _records(books: Any, stuck: Sequence[Posting | BadRow]) -> list[_Tried]:
    """The records that we keep of what is stuck and not sent."""
    unsent = [one for one in stuck if isinstance(one, Posting) and one.state in ("held", "rejected")]
    kept = await books.database.read(lambda conn: stored.kept(conn, [one.id for one in unsent]))
    found = [_Tried(one.external_id, kept[one.id].record, one.entity, ()) for one in unsent if one.id in kept]
    rows = [one for one in stuck if isinstance(one, BadRow)]
    found += [_Tried(one.external_id, one.record, one.entity, ()) for one in rows if one.record is not None]
    return [one for one in found if retrying.is_record(one.raw)]


def _nothing_to_fix(n: int, stuck: Sequence[Posting | BadRow], only: str | None) -> errors.CounterfoilError:
    if only is not None:
        return errors.NotFound(
            f"Problem {n} has no record {only}.", remedy=f"`counterfoil problems show {n}` lists them."
        )
    if any(isinstance(one, Posting) for one in stuck):
        remedy = "Change the documents in Xero by hand, then `counterfoil problems skip`."
        return errors.InputError(
            f"The documents of problem {n} are in Xero already; a fix is for what is not.", remedy=remedy
        )
    remedy = "Correct them in the source and run again, or `counterfoil problems skip`."
    return errors.InputError(
        f"Of the rows of problem {n} no record could be made, so there is none to correct.", remedy=remedy
    )


class _Attempt:
    """One try to cure a problem with what is known of the ledger now."""

    def __init__(
        self, books: Any, flow: FlowSettings, n: int, cause: str, wish: Wish, intake: Intake, current: Sequence[Fix]
    ) -> None:
        self._books = books
        self._flow = flow
        self._n = n
        self._cause = cause
        self._wish = wish
        self._intake = intake
        self._current = current
        self._others = [one for one in current if one.cause != cause]

    async def carry_out(self, records: Sequence[_Tried]) -> FixReport:
        """Try each way of writing the wish down; store the first that cures. Raises InputError, RunAgain, Reconnect."""
        tried = [await self._looked_at(one) for one in records]
        findings = [finding for one in tried for finding in one.found]
        named = self._wish.only is not None or not findings
        if named and (len(tried) > 1 or tried[0].external_id is None):
            raise errors.InputError(
                f"The {len(tried)} records of problem {self._n} cannot all get the same.",
                remedy="Name one of them: --only EXTERNAL_ID.",
            )
        left: Counter[str] = Counter()
        of_cells = any(one.of_cells for one in tried)
        for put in self._ways_in_cells(findings) if of_cells else self._ways(findings):
            drafts = self._drafts(put, tried, findings, named=named)
            cured, said, left = await self._simulate(tried, drafts)
            if cured:
                return await self._store(drafts, len(tried), cured, said, left)
        still = next(iter(left), "")
        raise errors.InputError(f"That does not cure it. {still}".strip(), remedy="Nothing was stored.")

    async def _looked_at(self, one: _Tried) -> _Tried:
        checked = await self._intake.checking.check(one.raw, self._others)
        _raise_if_blocked(checked)
        found = self._of_cause(checked.stopped_by)
        return msgspec.structs.replace(one, found=found, of_cells=checked.of_cells)

    def _of_cause(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        return tuple(finding for finding in findings if fixes.base_cause(finding.cause) == self._cause)

    def _ways(self, findings: Sequence[Finding]) -> list[dict[str, Any]]:
        """What the wish may mean: place → value. More than one where a name may be Xero's or the entity's own."""
        put: dict[str, Any] = {place: _plain(place, text) for place, text in self._wish.put.items()}
        if self._wish.date is not None:
            put["date"] = self._wish.date.isoformat()
        if self._wish.use is None:
            return [put]
        field = self._field_to_replace(findings)
        family = next((name for name in TWINS if self._cause.startswith(name)), None)
        if family is None:
            return [{field: _plain(field, self._wish.use), **put}]
        line = field if field.endswith("]") else field.rpartition(".")[0]
        first, second = TWINS[family]
        return [
            {f"{line}.{mine}": self._wish.use, f"{line}.{other}": None, **put}
            for mine, other in ((first, second), (second, first))
        ]

    def _ways_in_cells(self, findings: Sequence[Finding]) -> list[dict[str, Any]]:
        """The same where a mapping could not read the source's cells: a field is a column, a text is as written there."""
        put = {fixes.column(name): text for name, text in self._wish.put.items()}
        use = self._wish.use if self._wish.date is None else self._wish.date.isoformat()
        return [put if use is None else {fixes.column(self._field_to_replace(findings)): use, **put}]

    def _field_to_replace(self, findings: Sequence[Finding]) -> str:
        """The one field whose one value is wrong. Raises InputError when there are several."""
        wrong = {(fixes.pattern(finding.field), finding.value) for finding in findings}
        if len(wrong) == 1 and (field := next(iter(wrong))[0]):
            return field
        if not wrong or not any(field for field, _value in wrong):
            raise errors.InputError(
                f"Problem {self._n} is about no single field, so --use has nothing to replace.",
                remedy="Name the field: --set FIELD=VALUE.",
            )
        shown = ", ".join(sorted(f"{field} {value}".strip() for field, value in wrong)[:8])
        raise errors.InputError(
            f"The records of problem {self._n} differ in what is wrong: {shown}.",
            remedy="Name one of them: --only EXTERNAL_ID; or set one value for all: --set FIELD=VALUE.",
        )

    def _drafts(
        self, put: dict[str, Any], tried: Sequence[_Tried], findings: Sequence[Finding], *, named: bool
    ) -> list[Fix]:
        """The fixes that the wish becomes: one for the named record, or one per entity for this and all like it."""
        at, actor = self._books.clock.now(), self._books.actor
        if named:
            one = tried[0]
            exact = {
                place: value for finding in one.found or (_NOTHING,) for place, value in _exactly(put, finding).items()
            }
            ids = frozenset([one.external_id]) if one.external_id else None
            return [Fix(DRAFT, one.entity, ids, True, self._cause, "", None, exact, actor, at)]
        field, value = self._matched(findings)
        mine: dict[str | None, set[str]] = {}
        for one in tried:
            if one.found:
                mine.setdefault(one.entity, set()).update([one.external_id] if one.external_id else [])
        like_it = value is not None or self._wish.date is not None
        return [
            Fix(
                DRAFT + index,
                entity,
                None if like_it else frozenset(mine[entity]),
                False,
                self._cause,
                field,
                value,
                put,
                actor,
                at,
            )
            for index, entity in enumerate(sorted(mine, key=str))
        ]

    def _matched(self, findings: Sequence[Finding]) -> tuple[str, str | None]:
        """Field and value that a fix for all like it must find again.

        A new date is for every date of the cause. Without one value that is wrong everywhere nobody can say what is alike:
        the fix is for these records then, and what comes later is told as ever.
        """
        fields = {fixes.pattern(finding.field) for finding in findings}
        values = {finding.value for finding in findings}
        field = next(iter(fields)) if len(fields) == 1 else ""
        alike = (
            self._wish.date is None and len(values) == 1 and "" not in values and self._cause not in ABOUT_ONE_RECORD
        )
        return field, next(iter(values)) if alike else None

    async def _simulate(
        self, tried: Sequence[_Tried], drafts: Sequence[Fix]
    ) -> tuple[int, tuple[str, ...], Counter[str]]:
        """How many records the drafts cure of this cause, what they do, and what is still wrong with how many."""
        cured = 0
        said: dict[str, None] = {}
        left: Counter[str] = Counter()
        mine = {draft.id for draft in drafts}
        for one in tried:
            checked = await self._intake.checking.check(one.raw, [*self._current, *drafts])
            notes = [note for note in checked.fixed if note.fix in mine]
            if checked.fixed and not any(self._still_wrong(finding, drafts) for finding in checked.stopped_by):
                cured += 1
            said.update({note.said.partition(" by ")[0]: None for note in notes})
            left.update({finding.reason: 1 for finding in checked.stopped_by})
        return cured, tuple(said), left

    def _still_wrong(self, finding: Finding, drafts: Sequence[Fix]) -> bool:
        """The cause is still there, or what was put in its place is wrong as well."""
        field = fixes.pattern(finding.field)
        places = (field, finding.field, fixes.column(finding.field))
        there = any(draft.put.get(place) is not None for draft in drafts for place in places)
        return fixes.base_cause(finding.cause) == self._cause or there

    async def _store(
        self, drafts: Sequence[Fix], records: int, cured: int, said: tuple[str, ...], left: Counter[str]
    ) -> FixReport:
        log = self._books.access.audit

        def work(connection: Connection) -> list[int]:
            known = {_same(one): one.id for one in stored.current(connection, self._flow.id)}
            found = [known.get(_same(draft)) for draft in drafts]
            ids = [
                fix_id or stored.add(connection, self._flow.id, self._n, self._wish.because, draft)
                for fix_id, draft in zip(found, drafts, strict=True)
            ]
            new = [(one.entity, made) for one, was, made in zip(drafts, found, ids, strict=True) if was is None]
            log.append_all(connection, [acts.fix_stored(entity, fix_id, self._n) for entity, fix_id in new])
            return ids

        ids = tuple(await self._books.database.run(work))
        like_it = all(draft.external_ids is None for draft in drafts)
        return FixReport(self._n, ids, records, cured, said, dict(left), like_it)


_NOTHING = Finding("", "", "")


def _raise_if_blocked(checked: Checked) -> None:
    if isinstance(checked.prepared, Blocked) and checked.prepared.until != "person":
        raise checked.prepared.error or errors.InputError(checked.prepared.finding.reason)
    if isinstance(checked.prepared, Blocked) and checked.prepared.error is not None:
        raise checked.prepared.error


def _exactly(put: dict[str, Any], finding: Finding) -> dict[str, Any]:
    """The same places with `lines[]` as the very line that was found."""
    line = finding.field.partition(".")[0] if "[" in finding.field else "lines[]"
    return {place.replace("lines[]", line, 1): value for place, value in put.items()}


def _plain(place: str, text: str) -> Any:
    """A value as a record has it; "" takes the field away."""
    if place.rpartition(".")[2] == "sent":
        return {"true": True, "false": False}.get(text.lower(), text)
    return text or None


def _same(one: Fix) -> tuple[Any, ...]:
    put = msgspec.json.encode(one.put, order="sorted")
    return (one.entity, one.external_ids, one.by_name, one.cause, one.field, one.value, put)
