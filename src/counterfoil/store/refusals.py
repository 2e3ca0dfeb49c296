"""What a database's driver refuses, in our words: which database, why, and what to do about it.

Called by database around every transaction and opening, and by limits. Nothing of a driver gets past it but IntegrityError, which a
unique index says to whoever asked for it inside store/.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Final

import sqlalchemy as sa

from counterfoil import errors

RESTARTED: Final = "The database server was stopped or restarted: run the same command again; nothing is lost."
FREE_SPACE: Final = "Is the disk full? Free some space and run the same command again; nothing is lost."


@contextlib.contextmanager
def named(url: sa.URL, noticed: Callable[[Exception], bool]) -> Iterator[None]:
    """Turn the driver's exceptions into ours, naming the database without its password. `noticed`: whether it went away."""
    try:
        yield
    except sa.exc.IntegrityError:
        raise  # a unique index spoke: the caller's business, inside store/
    except (sa.exc.DBAPIError, sa.exc.ArgumentError, sa.exc.TimeoutError) as cause:
        reason = str(getattr(cause, "orig", None) or cause).splitlines()[0]
        where = url.render_as_string(hide_password=True)
        if noticed(cause):
            raise errors.DatabaseAway(f"The database {where} went away: {reason}.", remedy=RESTARTED) from cause
        raise errors.StoreError(f"The database {where} cannot be used: {reason}.", remedy=_remedy(reason)) from cause
    except UnicodeEncodeError:
        raise errors.InputError(
            "What was given holds bytes that are no text: it can be neither kept nor looked for.",
            remedy="Give it in UTF-8.",
        ) from None
    except OverflowError as cause:
        if "SQLite" not in str(cause):
            raise
        raise errors.InputError("A number that was given is larger than any that is kept.") from None
    except ModuleNotFoundError as cause:
        raise errors.StoreError("Postgres needs its driver.", remedy="pip install 'counterfoil[postgres]'") from cause


def _remedy(reason: str) -> str:
    known = {
        "full": FREE_SPACE,
        "disk I/O error": FREE_SPACE,
        "starting up": RESTARTED,
        "shutting down": RESTARTED,
        "terminating connection": RESTARTED,
        "closed the connection": RESTARTED,
        "readonly": "The file or its folder may not be written; change its rights or [store] url.",
        "unable to open": "Does the folder exist and may we write there? See [store] url.",
        "locked": "Another program holds the file; run the same command again.",
        "lock timeout": "Another process holds what this one needs: is one suspended? Run the same command again.",
        "not a database": "The file is something else; change [store] url.",
        "malformed": "The file is damaged: restore a backup; Counterfoil then recovers from Xero.",
    }
    return next((remedy for word, remedy in known.items() if word in reason), "See [store] url in the configuration.")
