"""A secret that cannot be printed by accident: its repr, str and JSON are an ellipsis.

Called by tables; read with `reveal()` by access/ only.
"""

from counterfoil.model.hidden import HIDDEN

__all__ = ["HIDDEN", "Secret"]


class Secret:
    """A text that never shows itself. Equal when the texts are."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself; not for logs, messages or tables."""
        return self._value

    def __repr__(self) -> str:
        return HIDDEN

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)
