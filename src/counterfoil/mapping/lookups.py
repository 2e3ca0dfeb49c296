"""Looking a value up in a [lookups.NAME] table: by one key or several, and by the day on which a row begins to hold.

Called by values and functions. Pure.
"""

import bisect
import datetime

from counterfoil.mapping import texts
from counterfoil.mapping.texts import Misread
from counterfoil.settings import LookupSettings


class Lookup:
    """One table, indexed."""

    def __init__(self, settings: LookupSettings) -> None:
        self.settings = settings
        self._found: dict[tuple[str, ...], list[tuple[datetime.date, str]]] = {}
        for row in settings.rows:
            self._found.setdefault(row.keys, []).append((row.since or datetime.date.min, row.value))
        for rows in self._found.values():
            rows.sort()

    def find(self, keys: tuple[str, ...], on: datetime.date | None) -> str | Misread:
        """What the table gives for `keys` on the day `on`; None: the table has no days.

        A key that is not there gives `otherwise`; where that is "hold", a misreading that says what is not known.
        """
        rows = self._found.get(tuple(key.strip() for key in keys))
        if rows is not None:
            if on is None:
                return rows[-1][1]
            at = bisect.bisect_right(rows, on, key=lambda row: row[0])
            if at:
                return rows[at - 1][1]
        if self.settings.otherwise is not None:
            return self.settings.otherwise
        shown = ", ".join(texts.shown(key) for key in keys)
        since = f" on {on}, only from {rows[0][0]}" if rows and on is not None else ""
        return Misread(
            "lookup-unknown",
            f"is not in the lookup {self.settings.name}: {shown}{since}",
            f"Add it to [lookups.{self.settings.name}] ({self.settings.place}), or say there what unknown ones give: "
            'otherwise = "…".',
        )
