"""What every table of the configuration is made of: its kind, and the bounds of seconds and addresses.

Called by tables, companies, upkeep, and by whoever declares a table of its own.
"""

import msgspec

from counterfoil.model.text import END


def seconds(help_text: str) -> msgspec.Meta:
    """Of a time in seconds: more than none, at most a day."""
    return msgspec.Meta(gt=0, le=86_400, description=help_text)


def url(help_text: str) -> msgspec.Meta:
    """Of an http or https address, without query or fragment."""
    return msgspec.Meta(
        pattern=r"^https?://[^\s/?#]+[^\s?#]*" + END,
        description=help_text,
        extra={"rule": "An address such as https://api.xero.com, without query or fragment."},
    )


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file: unchangeable, and an unknown key is a mistake."""
