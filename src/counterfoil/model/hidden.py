"""Text and bytes that work as such but show nothing of themselves in a repr, and so in no traceback's locals.

Called by xero/identity, xero/client and access for tokens, request headers and bodies. Pure. Only the repr is hidden:
joining or formatting gives plain text again, so whoever builds a header wraps the result anew.
"""

from typing import Final

HIDDEN: Final = "…"


class HiddenText(str):
    """A token or a header that holds one. Equal to the plain text."""

    __slots__ = ()

    def __repr__(self) -> str:
        return HIDDEN


class HiddenBytes(bytes):
    """A request body that holds a secret. Equal to the plain bytes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return HIDDEN
