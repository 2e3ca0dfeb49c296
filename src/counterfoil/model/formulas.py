"""Text that a spreadsheet would carry out, and how it is kept from that. Pure.

Called by whatever writes CSV files: cli's exports and delivery/to_csv.
"""

from typing import Final

STARTS: Final = (
    "=", "+", "-", "@", "\t", "\r", "\n",  # a spreadsheet would carry these out …
    "\uff1d", "\uff0b", "\uff0d", "\uff20",  # … and one that is set to a wide script these
)  # fmt: skip


def disarmed(text: str) -> str:
    """The same text behind an apostrophe, when it begins as a formula does."""
    return f"'{text}" if text.startswith(STARTS) else text
