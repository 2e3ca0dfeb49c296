"""Plain aligned tables and amounts for people: wide characters counted as two columns, money right-aligned.

Called by the commands through screen. Pure. No colour, no frames: a table can be pasted into an e-mail. Whatever comes
from records or from Xero is made harmless first, so that no name can steer the terminal.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

GAP: Final = "  "
CELL_MIN: Final = 12  # the widest column is cut to fit the screen, but never below this
ELLIPSIS: Final = "…"
_SIGN_LEFT: Final = -1
_OBEYED: Final = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def money(amount: Decimal | None, currency: str | None = None) -> str:
    """`1,234.50 GBP`; nothing for None."""
    if amount is None:
        return ""
    places = max(2, -int(amount.as_tuple().exponent) if amount.is_finite() else 2)
    return f"{amount:,.{places}f} {currency or ''}".rstrip()


def sums(amounts: Mapping[str, Decimal]) -> str:
    """Several currencies' amounts on one line, by currency."""
    return ", ".join(money(amount, currency) for currency, amount in sorted(amounts.items()))


def waiting(amounts: Mapping[str, Decimal], unknown: int) -> str:
    """What waits: the amounts that are known, and how many records' are not."""
    if not unknown:
        return sums(amounts)
    return f"{sums(amounts)} + {unknown:,} unknown" if amounts else "unknown"


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 record`, `1,200 records`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def harmless(value: Any) -> str:
    """A value on one line, without anything that a terminal would obey."""
    clean = lines("" if value is None else str(value)).replace("\n", " ").replace("\t", " ")
    return " ".join(clean.split()) if "  " in clean else clean


def lines(text: str) -> str:
    """A text with its lines and tabs, without anything else that a terminal would obey: escapes, changes of direction."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in "\n\t" else _instead(one) for one in text)


def _instead(one: str) -> str:
    return " " if one.isspace() else "\N{REPLACEMENT CHARACTER}"


def json_text(encoded: str) -> str:
    """JSON, or a part of it, with those characters written as escapes that it may hold as they are."""
    if encoded.isascii() and "\x7f" not in encoded:
        return encoded
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", encoded)


def width(text: str) -> int:
    """The columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(_columns(one) for one in text)


def _columns(one: str) -> int:
    if unicodedata.combining(one) or unicodedata.category(one) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(one) in "WF" else 1


def cut(text: str, columns: int) -> str:
    """A text in at most so many columns, with … where something was left out."""
    if width(text) <= columns:
        return text
    kept, used = [], 1
    for one in text:
        used += _columns(one)
        if used > columns:
            break
        kept.append(one)
    return "".join(kept).rstrip() + ELLIPSIS


def rows(
    heads: Sequence[str], cells: Sequence[Sequence[Any]], *, right: Sequence[int] = (), columns: int | None = None
) -> list[str]:
    """The lines of a table. `right`: indexes of right-aligned columns; `columns`: the screen's width, None: as wide."""
    table = [list(heads), *[[harmless(cell) for cell in row] for row in cells]]
    widths = [max(width(row[index]) for row in table) for index in range(len(heads))]
    if columns is not None:
        _shrink(widths, columns)
    return [_line(row, widths, right) for row in table]


def _shrink(widths: list[int], columns: int) -> None:
    """Take from the widest columns until the line fits, as far as it can."""
    over = sum(widths) + len(GAP) * (len(widths) - 1) - columns
    while over > 0:
        widest = max(range(len(widths)), key=widths.__getitem__)
        if widths[widest] <= CELL_MIN:
            return
        second = max((one for index, one in enumerate(widths) if index != widest), default=0)
        step = min(over, max(1, widths[widest] - max(second, CELL_MIN)))
        widths[widest] -= step
        over -= step


def _line(row: Sequence[str], widths: Sequence[int], right: Sequence[int]) -> str:
    parts = []
    for index, (cell, columns) in enumerate(zip(row, widths, strict=True)):
        text = cut(cell, columns)
        space = " " * (columns - width(text))
        parts.append(space + text if index in right else text + space)
    return GAP.join(parts).rstrip()
