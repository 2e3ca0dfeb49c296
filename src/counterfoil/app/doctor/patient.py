"""What is known of the installation that is examined: every check is given this, and changes nothing of it.

Called by doctor (makes it), asking (fills in what Xero said) and every check.
"""

import datetime
from pathlib import Path
from typing import Any

import msgspec

from counterfoil import errors
from counterfoil.model.organisation import Action, Organisation
from counterfoil.model.ports import Clock
from counterfoil.settings import Settings
from counterfoil.xero.answers import Answer
from counterfoil.xero.identity import Connection


class HostAnswer(msgspec.Struct, frozen=True):
    """What one host answered to a question without a token, and when by our clock it was asked and had answered."""

    url: str
    asked_at: datetime.datetime
    answered_at: datetime.datetime
    answer: Answer | None
    error: errors.CounterfoilError | None = None


class Organised(msgspec.Struct, frozen=True):
    """What a bound organisation says of itself now; an error instead: why it does not."""

    organisation: Organisation | None = None
    actions: tuple[Action, ...] = ()
    error: errors.CounterfoilError | None = None


class Patient(msgspec.Struct, kw_only=True):
    """The installation. `books` None: its database could not be opened. Asked things are empty when offline."""

    path: Path
    env: str | None
    clock: Clock
    offline: bool
    settings: Settings | None = None
    books: Any = None
    hosts: dict[str, HostAnswer] = {}  # by setting: login_url, identity_url, api_url
    connections: dict[str, tuple[Connection, ...] | errors.CounterfoilError] = {}  # by grant
    organisations: dict[str, Organised] = {}  # by entity
    unasked: int = 0  # bound organisations beyond what one examination asks
    gets: int = 0

    @property
    def loaded(self) -> Settings:
        """The settings, for checks that are only made when there are some."""
        assert self.settings is not None
        return self.settings
