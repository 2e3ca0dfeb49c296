"""Every public error, in one tree, ordered by what the caller does next.

    CounterfoilError
    ├── RunAgain              exit 4: work is left; nothing is wrong with it
    │   ├── RateLimited           Xero's minute, day, concurrent or app limit; `retry_after_s` when Xero says it
    │   ├── XeroUnavailable       5xx, maintenance, or no connection at all: nothing was sent
    │   │   └── OrganisationOffline   Xero took this organisation offline, usually for five minutes
    │   ├── WindowClosed          work waits for its hours; `until` says when they begin
    │   ├── NoRoom                the disk has little room left: nothing new is planned before there is more
    │   ├── Paused                a person paused the writes: nothing was sent
    │   └── Unclear               we cannot know whether Xero did it (timeout, broken answer): look before anything else
    ├── Reconnect             exit 3: no usable consent or binding
    │   ├── NoConsent             nobody has connected this app yet, or the consent was lost for good
    │   ├── TokenExpired          an access token ran out; refreshed once, then shown
    │   ├── MissingScope          the consent does not cover what the call needs
    │   ├── NotConnected          the organisation was disconnected from the app
    │   ├── NoBinding             the entity is bound to no organisation
    │   └── WrongLedger           the organisation is not the one that the entity was bound to, or may not be bound
    │       ├── AnotherName           it is not called what the configuration expects
    │       ├── EntityTaken           one entity, two organisations
    │       ├── OrganisationTaken     one organisation, two entities
    │       ├── OrganisationReset     a demo company that was reset: a new tenant under the same name
    │       ├── AnotherOrganisation   another OrganisationID behind the same tenant
    │       ├── CurrencyChanged       another base currency
    │       ├── CountryChanged        another country
    │       └── BoundElsewhere        bound in the database of another environment
    ├── FixInput              exit 2: the configuration, a file or an argument
    │   ├── ConfigurationError    with file, line, key and the nearest valid key
    │   │   └── PortTaken             another program listens on the port that the configuration names
    │   ├── InputError            a file that cannot be read at all
    │   ├── Refused               Xero refused the request; every message of Xero's is in `messages`
    │   ├── NotFound              Xero knows no such document
    │   └── NotRead               the copy of the ledger lacks what the answer stands on: sync it
    └── Stop                  exit 2: the surroundings: key, disk, database
        ├── MasterKeyError        no master key, a wrong one, or one that others can read
        └── StoreError            the database cannot be opened or written
            ├── DatabaseAway          its server went away while we worked, exit 4: run again when it is back
            ├── OtherEnvironment      it belongs to another environment: tokens and ledgers are that one's
            └── CopiedDatabase        it is a copy, and the original may still be at work

Called everywhere; imports nothing of ours. An error carries facts as attributes and a remedy, never a secret and
never a customer's data beyond the identifiers that the user gave.
"""

import datetime
import math
from typing import Any, ClassVar


class CounterfoilError(Exception):
    """The root. `message` says what is so, `remedy` what to do, `code` is stable for programs."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, remedy: str = "", **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.facts = facts

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class RunAgain(CounterfoilError):
    """Work is left and nothing is wrong with it: run the same command again. `retry_after_s`: None when unknown."""

    code = "run-again"
    exit_code = 4

    def __init__(self, message: str, *, remedy: str = "", retry_after_s: float | None = None, **facts: Any) -> None:
        super().__init__(message, remedy=remedy, **facts)
        self.retry_after_s = retry_after_s


class RateLimited(RunAgain):
    """Xero answered 429. `limit` is "minute", "day", "concurrent" or "app"."""

    code = "rate-limited"

    def __init__(self, limit: str, *, retry_after_s: float | None = None, **facts: Any) -> None:
        remedy = "Run the same command again then: nothing is lost, and what is planned is kept."
        when = "" if retry_after_s is None else f" It can be asked again in {span(retry_after_s)}."
        super().__init__(f"Xero's {limit} limit is used up.{when}", remedy=remedy, retry_after_s=retry_after_s, **facts)
        self.limit = limit


def span(seconds: float) -> str:
    """A time to wait, as people say it: rounded up to a minute, or to a second below two."""
    if seconds < 120:
        return f"{math.ceil(seconds)} s"
    hours, minutes = divmod(math.ceil(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


class XeroUnavailable(RunAgain):
    """Xero could not be reached or answered 5xx. `sent` is False only when surely not one byte left us."""

    code = "xero-unavailable"

    def __init__(self, message: str, *, sent: bool = True, retry_after_s: float | None = None, **facts: Any) -> None:
        super().__init__(message, retry_after_s=retry_after_s, **facts)
        self.sent = sent

    @property
    def is_unreachable(self) -> bool:
        """There was no connection: the next try may find one in a moment."""
        return not self.sent and not self.is_paused

    @property
    def is_paused(self) -> bool:
        """Nobody asks for now; `retry_after_s` says until when. This time nothing was sent."""
        return not self.sent and self.retry_after_s is not None


class OrganisationOffline(XeroUnavailable):
    """Xero took this organisation offline (503, "The Organisation is offline"); usually back in five minutes."""

    code = "organisation-offline"

    @property
    def is_paused(self) -> bool:
        """Always: whether Xero said so just now or before."""
        return True


class WindowClosed(RunAgain):
    """Work waits for its hours: bulk work for those of the organisation, a flow's for its window.

    `until`: when they begin; None: nobody knows.
    """

    code = "window-closed"

    def __init__(
        self, message: str, *, remedy: str, until: datetime.datetime | None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, remedy=remedy, retry_after_s=retry_after_s)
        self.until = until

    @classmethod
    def of_flows(cls, entity: str, until: datetime.datetime | None) -> "WindowClosed":
        """What is left of an entity belongs to flows whose window is not open."""
        when = "" if until is None else f" It opens at {until:%Y-%m-%d %H:%M} UTC."
        return cls(
            f"What is left of {entity} waits for its flow's window.{when}",
            remedy="`counterfoil serve` goes on by itself then; or run the same command again.",
            until=until,
        )


class NoRoom(RunAgain):
    """The database's disk has little room left: nothing new is planned, what is open is finished."""

    code = "no-room"


class Paused(RunAgain):
    """A person paused the writes of everything, an entity or a flow: nothing was sent, what is planned waits."""

    code = "paused"


class Unclear(RunAgain):
    """The answer was lost, cut or unreadable: Xero may or may not have done it. Look before sending again."""

    code = "unclear"


class Reconnect(CounterfoilError):
    """No usable consent or binding."""

    code = "reconnect"
    exit_code = 3


class NoConsent(Reconnect):
    """Nobody has connected this app, or the consent was lost for good."""

    code = "no-consent"


class TokenExpired(Reconnect):
    """401 TokenExpired: refresh once and repeat."""

    code = "token-expired"


class MissingScope(Reconnect):
    """401 AuthorizationUnsuccessful: the consent lacks a scope. Refreshing never helps."""

    code = "missing-scope"


class NotConnected(Reconnect):
    """403 AuthenticationUnsuccessful: the organisation was disconnected from the app."""

    code = "not-connected"


class NoBinding(Reconnect):
    """The entity is bound to no organisation."""

    code = "no-binding"


class WrongLedger(Reconnect):
    """The organisation is not the one that the entity was bound to; writes stop."""

    code = "wrong-ledger"


class AnotherName(WrongLedger):
    """The organisation is not called what the configuration expects of the entity."""

    code = "another-name"


class EntityTaken(WrongLedger):
    """The entity is bound to another organisation."""

    code = "entity-taken"


class OrganisationTaken(WrongLedger):
    """The organisation is bound to another entity."""

    code = "organisation-taken"


class OrganisationReset(WrongLedger):
    """The tenant is gone and another of the same name is there: a demo company was reset."""

    code = "organisation-reset"


class AnotherOrganisation(WrongLedger):
    """The tenant answers with another OrganisationID than it was bound with."""

    code = "another-organisation"


class CurrencyChanged(WrongLedger):
    """The organisation's base currency is another one than when it was bound."""

    code = "currency-changed"


class CountryChanged(WrongLedger):
    """The organisation's country is another one than when it was bound."""

    code = "country-changed"


class BoundElsewhere(WrongLedger):
    """The organisation is bound in the database of another environment of this configuration."""

    code = "bound-elsewhere"


class FixInput(CounterfoilError):
    """The configuration, a file or an argument has to change."""

    code = "fix-input"
    exit_code = 2


class ConfigurationError(FixInput):
    """A mistake in the configuration. `problems` holds every one found: (file, line, key, text)."""

    code = "configuration"

    def __init__(self, message: str, *, remedy: str = "", problems: tuple[str, ...] = (), **facts: Any) -> None:
        super().__init__(message, remedy=remedy, **facts)
        self.problems = problems


class PortTaken(ConfigurationError):
    """Another program listens on the port that the configuration names, or we may not. `port` is it."""

    code = "port-taken"

    def __init__(self, message: str, *, port: int, remedy: str = "", **facts: Any) -> None:
        super().__init__(message, remedy=remedy, **facts)
        self.port = port


class InputError(FixInput):
    """An input that cannot be read at all. Single bad rows are results, never this."""

    code = "input"


class Refused(FixInput):
    """Xero refused the request (4xx with a reason). `messages` are Xero's words, `elements` its echoed elements."""

    code = "refused"

    def __init__(
        self,
        message: str,
        *,
        status: int,
        error_number: int | None = None,
        messages: tuple[str, ...] = (),
        elements: tuple[object, ...] = (),
        correlation_id: str | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(message, **facts)
        self.status = status
        self.error_number = error_number
        self.messages = messages
        self.elements = elements
        self.correlation_id = correlation_id


class NotFound(FixInput):
    """404: Xero knows no such document in this organisation."""

    code = "not-found"


class NotRead(FixInput):
    """The copy of the ledger was never read as far as the answer needs it. `facts["resources"]`: which are to be synced."""

    code = "not-read-yet"


class Stop(CounterfoilError):
    """Our surroundings do not allow work: the key, the disk, the database."""

    code = "stop"
    exit_code = 2


class MasterKeyError(Stop):
    """No master key, a wrong one, or one that other users of the machine can read."""

    code = "master-key"


class StoreError(Stop):
    """The database cannot be opened, read or written (missing folder, read-only, disk full, newer schema)."""

    code = "store"


class DatabaseAway(StoreError):
    """The database's server was stopped, restarted or cut off while we worked: run again. What was begun is on record.

    Whether a transaction was committed whose answer was lost nobody knows: it is never repeated by itself, the tables say.
    """

    code = "database-away"
    exit_code = 4


class OtherEnvironment(StoreError):
    """The database belongs to another environment: its tokens and its ledgers are not this one's to touch."""

    code = "other-environment"


class CopiedDatabase(StoreError):
    """The database is a copy of one that may still be at work: both would refresh the same tokens."""

    code = "copied-database"
