"""The three-way comparison of a posted invoice: what we last posted, what Xero has now, what the record says now.

Called by changing (what differs), rewriting (right before a write, and when a write is looked for) and undoing. Pure.
Implements design §3.1 "After the first push": a field that a person changed at Xero is theirs; if the record changed it
too, nobody decides but a person. Lines go by LineItemID: the set that is sent replaces the set that is there (facts
§4.7), so lines that a person added are sent back as they are.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from counterfoil.posting import pairing, standing
from counterfoil.posting.pairing import Pairs
from counterfoil.posting.standing import HEAD, ID, LINE, Side, shown

UNCLEARABLE = frozenset({"DueDate", "InvoiceNumber", "CurrencyCode", "BrandingThemeID", "CurrencyRate", "Status"})
WRITABLE = (ID, "ItemCode", "Description", "Quantity", "UnitAmount", "AccountCode", "TaxType", "TaxAmount",
            "DiscountRate", "DiscountAmount", "Tracking")  # fmt: skip


class Change(msgspec.Struct, frozen=True):
    """One field with its three values, in a bookkeeper's words."""

    field: str
    posted: str
    xero: str
    record: str

    def __str__(self) -> str:
        return f"{self.field}: posted {self.posted}, in Xero now {self.xero}, in the record {self.record}"


class Comparison(msgspec.Struct, frozen=True):
    """What to write and what not. `element` is None when Xero has all of it; else only what the record changed.

    `changes`: the fields that are to be written. `conflicts`: changed on both sides; then nothing may be written. `theirs`: what a person changed and the record did
    not. `vanished`: descriptions of lines that the record no longer has.
    """

    element: dict[str, Any] | None
    changes: tuple[Change, ...] = ()
    conflicts: tuple[Change, ...] = ()
    theirs: tuple[Change, ...] = ()
    vanished: tuple[str, ...] = ()


class _Findings:
    """What is found while the fields are gone through."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.conflicts: list[Change] = []
        self.theirs: list[Change] = []
        self.vanished: list[str] = []

    def note(self, field: str, was: Any, now: Any, wanted: Any) -> bool:
        """Sort one field; → True when the record's value is to be written."""
        if wanted in (now, was):
            if was != now and was == wanted:
                self.theirs.append(Change(field, shown(was), shown(now), shown(wanted)))
            return False
        if was == now:
            self.changes.append(Change(field, shown(was), shown(now), shown(wanted)))
            return True
        self.conflicts.append(Change(field, shown(was), shown(now), shown(wanted)))
        return False


def compare(base: Side, stored: Mapping[str, Any], ours: Side, line_ids: Sequence[str] = ()) -> Comparison:
    """Compare. `stored` is Xero's wire element, read a moment ago; `line_ids` those of base's lines, () when unknown."""
    found = _Findings()
    element: dict[str, Any] = {}
    for key, word in HEAD.items():
        was, wanted = base.head(key), ours.head(key)
        if key in UNCLEARABLE and wanted is None:
            wanted = was  # it cannot be taken away again: what stands there stays
        if was is None and wanted is None:
            continue
        if found.note(word, was, standing.theirs_head(stored, key), wanted):
            element[key] = _head_value(ours, key)
    lines = _lines(base, stored, ours, line_ids, found)
    if lines is not None:
        element.setdefault("LineAmountTypes", stored.get("LineAmountTypes") or ours.head("LineAmountTypes"))
        element["LineItems"] = lines
    complete = {"InvoiceID": stored["InvoiceID"], **element} if element else None
    return Comparison(
        complete, tuple(found.changes), tuple(found.conflicts), tuple(found.theirs), tuple(found.vanished)
    )


def between(base: Side, ours: Side) -> Comparison:
    """What the record changed, if nobody touched the document."""
    lines = [{**raw, **{key: line[key] for key in ("TaxType", "TaxAmount") if line[key] is not None}}
             for raw, line in zip(base.element.get("LineItems") or (), base.lines, strict=True)]  # fmt: skip
    return compare(base, {"InvoiceID": "", **base.element, "LineItems": lines}, ours)


def _head_value(ours: Side, key: str) -> Any:
    """The value as Xero takes it; a reference that the record no longer has is emptied."""
    return ours.element.get(key, False if key == "SentToContact" else "")


def _lines(
    base: Side, stored: Mapping[str, Any], ours: Side, line_ids: Sequence[str], found: _Findings
) -> list[dict[str, Any]] | None:
    """All lines as they are to be sent, in the record's order, a person's own at the end; None: none has to be."""
    was, wanted = base.lines, ours.lines
    raw: Sequence[Mapping[str, Any]] = stored.get("LineItems") or ()
    now = [standing.line_values(line) for line in raw]
    known = len(line_ids) == len(was) and len(was) > 0
    there = pairing.by_id(line_ids, standing.ids(stored)) if known else pairing.by_content(was, now, leftovers=True)
    here = pairing.by_content(was, wanted, leftovers=True)
    merged = _Merged(base, ours, raw, now, found)
    sent: dict[int, dict[str, Any]] = {}
    for index in range(len(was)):
        line = merged.line(index, there, here)
        position = here.of[index]
        if line is not None and position is not None:
            sent[position] = line
    for position in here.new:
        merged.changed = True
        found.changes.append(Change(f"line {position + 1}", "nothing", "nothing", _named(wanted[position])))
        sent[position] = dict(ours.element["LineItems"][position])
    for position in there.new:
        found.theirs.append(Change("lines", "nothing", _named(now[position]), "nothing"))
    if not merged.changed and not _other_order(there, here, found):
        return None
    return [*(sent[position] for position in sorted(sent)), *(_as_stored(raw[position]) for position in there.new)]


def _other_order(there: Pairs, here: Pairs, found: _Findings) -> bool:
    """The record has its lines in another order now, and in Xero nobody moved them."""
    kept = [n for n in range(len(here.of)) if here.of[n] is not None and there.of[n] is not None]
    ours = sorted(kept, key=lambda n: here.of[n] or 0)
    if ours == kept or kept != sorted(kept, key=lambda n: there.of[n] or 0):
        return False
    found.changes.append(Change("lines", "as posted", "as posted", "in another order"))
    return True


class _Merged:
    """Goes through the lines that were posted, one after the other."""

    def __init__(
        self, base: Side, ours: Side, raw: Sequence[Mapping[str, Any]], now: Sequence[dict[str, Any]], found: _Findings
    ) -> None:
        self._was, self._wanted, self._ours = base.lines, ours.lines, ours
        self._raw, self._now, self._found = raw, now, found
        self.changed = False  # something of the lines has to be written

    def line(self, index: int, there: Pairs, here: Pairs) -> dict[str, Any] | None:
        """The line as it is to be sent; None: it is gone, or goes."""
        at, to = there.of[index], here.of[index]
        if to is None:
            return self._vanished(index, at)
        if at is None:
            self._removed_there(index, to)
            return None
        found, word = self._found, f"line {index + 1}"
        if index in there.unsure and self._was[index] != self._wanted[to]:
            found.conflicts.append(self._whole(word, index, at, to))
            return None
        line = _as_stored(self._raw[at])
        moved = False
        for key, name in LINE.items():
            was, wanted = self._was[index][key], self._wanted[to][key]
            if _left_to_xero(key, self._was[index], self._wanted[to]):
                continue
            if found.note(f"{word} {name}", was, self._now[at][key], wanted):
                line[key] = _line_value(self._ours.element["LineItems"][to], key, wanted)
                moved = True
        if moved and not self._tax_stays(index, at, to):
            line.pop("TaxAmount", None)  # Xero computes it from the new amounts
        self.changed = self.changed or moved
        return line

    def _tax_stays(self, index: int, at: int, to: int) -> bool:
        """True when the tax amount is stated by the record, or was set by a person."""
        return self._ours.states_tax(to) or self._now[at]["TaxAmount"] != self._was[index]["TaxAmount"]

    def _vanished(self, index: int, at: int | None) -> dict[str, Any] | None:
        was, found = self._was[index], self._found
        found.vanished.append(_named(was))
        if at is None:
            return None
        now = self._now[at]
        if any(was[key] != now[key] for key in LINE if not _left_to_xero(key, was, was)):
            found.conflicts.append(Change(f"line {index + 1}", _named(was), _named(now), "nothing"))
        else:
            found.changes.append(Change(f"line {index + 1}", _named(was), _named(now), "nothing"))
        self.changed = True
        return None

    def _removed_there(self, index: int, to: int) -> None:
        """A person took the line away; it stays away unless the record changed it."""
        was, wanted = self._was[index], self._wanted[to]
        noted = self._found.theirs if was == wanted else self._found.conflicts
        noted.append(Change(f"line {index + 1}", _named(was), "nothing", _named(wanted)))

    def _whole(self, word: str, index: int, at: int, to: int) -> Change:
        return Change(word, _named(self._was[index]), _named(self._now[at]), _named(self._wanted[to]))


def _left_to_xero(key: str, was: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Xero computes it: a tax that nobody stated or foresaw, one form of a discount that was given in the other."""
    if key in ("TaxType", "TaxAmount"):
        return was[key] is None and wanted[key] is None
    other = {"DiscountRate": "DiscountAmount", "DiscountAmount": "DiscountRate"}.get(key)
    return other is not None and not (was[key] or wanted[key]) and bool(was[other] or wanted[other])


def _line_value(sent: Mapping[str, Any], key: str, foreseen: Any) -> Any:
    """The value as Xero takes it; a discount or a tracking that the record no longer has is taken away."""
    empty: Any = [] if key == "Tracking" else 0 if key in standing.NOUGHT else foreseen
    return sent.get(key, empty)


def _as_stored(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line as it stands in Xero, to be sent back unchanged."""
    return {key: line[key] for key in WRITABLE if line.get(key) is not None}


def _named(line: Mapping[str, Any]) -> str:
    return f"{line.get('Quantity')} × {line.get('UnitAmount')} {shown(line.get('Description'))}"


def missing(sent: Mapping[str, Any], stored: Mapping[str, Any]) -> tuple[str, ...]:
    """What a write set and Xero does not have, in a bookkeeper's words; () when all of it is there."""
    found = [
        f"{word}: we set {shown(wanted)}, Xero has {shown(now)}"
        for key, word in HEAD.items()
        if key in sent and (wanted := standing.theirs_head(sent, key)) != (now := standing.theirs_head(stored, key))
    ]
    if "LineItems" in sent:
        found += _missing_lines(sent["LineItems"], stored.get("LineItems") or ())
    return tuple(found)


def _missing_lines(sent: Sequence[Mapping[str, Any]], stored: Sequence[Mapping[str, Any]]) -> list[str]:
    if len(sent) != len(stored):
        return [f"number of lines: we set {len(sent)}, Xero has {len(stored)}"]
    at = {line.get(ID): line for line in stored}
    found = []
    for number, line in enumerate(sent, 1):
        there = at.get(line[ID], {}) if ID in line else stored[number - 1]
        wanted, now = standing.line_values(line), standing.line_values(there)
        found += [
            f"line {number} {word}: we set {shown(wanted[key])}, Xero has {shown(now[key])}"
            for key, word in LINE.items()
            if key in line and wanted[key] != now[key]
        ]
    return found
