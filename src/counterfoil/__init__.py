"""Counterfoil: your records become Xero documents, each exactly once, in the right ledger, and proved.

The public surface, and all of it: `open_books` (and what it yields, `Books`), `on` for handlers of changes, the tree of
`errors`, `__version__`.
Everything else is inside and may change. Called by users' programs; imports nothing of ours, and never a library,
before a name is first asked for, so that `import counterfoil` costs nothing.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from counterfoil import errors
    from counterfoil.app import Books, open_books
    from counterfoil.delivery.handlers import on

__all__ = ["Books", "__version__", "errors", "on", "open_books"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module 'counterfoil' has no attribute {name!r}")
    import importlib

    if name == "errors":
        return importlib.import_module("counterfoil.errors")
    home = "counterfoil.delivery.handlers" if name == "on" else "counterfoil.app"
    found = getattr(importlib.import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
