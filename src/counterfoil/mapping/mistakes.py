"""A mistake in a mapping, found when the configuration is loaded: where it stands, what is wrong, what to write instead.

Made by compiling; app.py raises all of them together.
"""

import msgspec

from counterfoil.model import shape


class Mistake(msgspec.Struct, frozen=True):
    """`place` is "FILE:LINE"; `table` and `key` say which key; `reason` continues the key, `remedy` is a sentence."""

    place: str
    table: str
    key: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        key = f"`{self.key}` " if self.key else ""
        remedy = f" {self.remedy}" if self.remedy else ""
        return f"{self.place}: [{shape.shown(self.table)}] {key}{self.reason}.{remedy}"
