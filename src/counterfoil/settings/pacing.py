"""[pacing]: what each lane leaves of an organisation's limits to the lanes above it, and when bulk work may run.

Called by loading, and by app, which builds the pacing from it. xero-facts §2.1: 60 calls a minute, 5 at a time and, by the app's tier,
1,000 or 5,000 a day for each organisation.
"""

from typing import Any, Final

import msgspec

from counterfoil.model import shape
from counterfoil.model.lanes import LANES
from counterfoil.settings.mistakes import Where, mistakes, place
from counterfoil.settings.tables import KeptTable, PacingTable

DAY_OF_TIER: Final = {"starter": 1_000}
DAY_OTHERS: Final = 5_000
MINUTE: Final = 60
SLOTS: Final = 5
MINUTE_KEPT: Final = (0, 0, 1, 2, 6)
SLOTS_KEPT: Final = (0, 0, 0, 1, 2)
DAY_KEPT: Final = (0, 20, 50, 100, 200)
DAY_KEPT_OF: Final = 5_000  # a smaller day keeps a smaller part


class PacingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The same with defaults filled in: one number per lane, first the first. `window_at`: where `bulk_window` is written."""

    day_limit: int = DAY_OTHERS
    minute_kept: tuple[int, ...] = MINUTE_KEPT
    slots_kept: tuple[int, ...] = SLOTS_KEPT
    day_kept: tuple[int, ...] = DAY_KEPT
    bulk_window: str | None = None
    offline_s: float = 300
    window_at: str = ""


def compiled(given: PacingTable, tier: str, where: Where, file: str) -> PacingSettings:
    """With every default. Raises ConfigurationError when a lane would leave more than there is, or less than one above it."""
    day_limit = given.day_limit or DAY_OF_TIER.get(tier, DAY_OTHERS)
    day_usual = tuple(one * min(day_limit, DAY_KEPT_OF) // DAY_KEPT_OF for one in DAY_KEPT)
    problems: list[str] = []

    def kept(key: str, written: KeptTable, usual: tuple[int, ...], most: int, what: str) -> tuple[int, ...]:
        lanes = _lanes(written, usual)
        values: dict[str, Any] = msgspec.structs.asdict(written)
        for n, lane in enumerate(LANES):
            if values.get(lane) is None:
                continue
            at = place(where, ("pacing", key, lane), file)
            if lanes[n] >= most:
                problems.append(
                    f"{at}: [pacing.{key}] `{lane}` must be less than {most}, {what}: {lanes[n]}. Nothing would be left to it."
                )
            elif any(one > lanes[n] for one in lanes[:n]):
                above = LANES[max(range(n), key=lambda k: lanes[k])]
                problems.append(
                    f"{at}: [pacing.{key}] `{lane}` must be {max(lanes[:n])} or more, as much as `{above}` above it leaves: "
                    f"{lanes[n]}."
                )
        return lanes

    found = PacingSettings(
        day_limit=day_limit,
        minute_kept=kept("minute_kept", given.minute_kept, MINUTE_KEPT, MINUTE, "the calls of a minute"),
        slots_kept=kept("slots_kept", given.slots_kept, SLOTS_KEPT, SLOTS, "the calls at once"),
        day_kept=kept("day_kept", given.day_kept, day_usual, day_limit, "the calls of a day"),
        bulk_window=given.bulk_window,
        offline_s=given.offline_s,
        window_at=place(where, ("pacing", "bulk_window"), file),
    )
    if problems:
        raise mistakes(problems)
    return found


def misplaced_window(settings: PacingSettings, reason: str) -> Exception:
    """The mistake of hours that cannot be read, with its line."""
    shown = shape.shown(settings.bulk_window)
    return mistakes([f"{settings.window_at}: [pacing] `bulk_window` cannot be read: {reason}: {shown}."])


def _lanes(written: KeptTable, usual: tuple[int, ...]) -> tuple[int, ...]:
    """One number per lane; one that is not written is as usual, but no less than what stands above it."""
    values: dict[str, Any] = msgspec.structs.asdict(written)
    found: list[int] = []
    for lane, least in zip(LANES, usual, strict=True):
        value = values.get(lane)
        found.append(max([least, *found]) if value is None else value)
    return tuple(found)
