"""Consents, bindings and the audit log of one installation, wired together.

Called by app and, for `connect`, `connections` and `entities`, by cli/. The master key is read when it is first needed,
so that commands that touch no consent need no key.
"""

import copy
import datetime
import functools
from collections.abc import Callable
from typing import Final

from counterfoil.access import reconnecting
from counterfoil.access.api_keys import ApiKeys
from counterfoil.access.audit import AuditLog
from counterfoil.access.background import Background
from counterfoil.access.bindings import Bindings
from counterfoil.access.connections import Connections
from counterfoil.access.consent import Consent
from counterfoil.access.custom import CustomConnection
from counterfoil.access.key_source import CommandSource, FileSource, Source, TextSource
from counterfoil.access.rotation import Rotation
from counterfoil.access.tokens import GrantTokens
from counterfoil.access.vault import Vault
from counterfoil.model.binding import Binding
from counterfoil.model.ports import Clock
from counterfoil.settings import Settings
from counterfoil.store.database import Database
from counterfoil.xero.client import XeroClient
from counterfoil.xero.identity import App
from counterfoil.xero.pacing import Pacer
from counterfoil.xero.probe import Probe
from counterfoil.xero.transport import Transport

FINGERPRINT_LIFE: Final = datetime.timedelta(days=1)
AUDITED: Final = ("audit", "bindings", "connections", "consent", "custom")  # parts that write down who acts
UNNAMED_LIFE: Final = datetime.timedelta(minutes=1)  # of a custom connection, whose calls do not name the organisation


class Access:
    """Everything between us and the right ledger. Each part raises MasterKeyError when it needs a key and has none."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        database: Database,
        transport: Transport,
        pacer: Pacer,
        actor: str,
        owner: str,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._database = database
        self._transport = transport
        self._pacer = pacer
        self._actor = actor
        self._owner = owner

    def acting(self, actor: str) -> "Access":
        """The same for another who acts; keys and tokens stay shared."""
        own = copy.copy(self)
        own.vault, own.tokens = self.vault, self.tokens
        own._actor = actor  # noqa: SLF001 - our own copy of ourselves
        for name in AUDITED:
            own.__dict__.pop(name, None)
        return own

    @functools.cached_property
    def key_source(self) -> Source:
        """Where the master key comes from; not read yet."""
        given = self._settings.vault
        if given.master_key_command:
            return CommandSource(given.master_key_command)
        if given.master_key is not None:
            return TextSource(given.master_key.reveal())
        assert given.master_key_file is not None, "loading gives the default"
        return FileSource(given.master_key_file)

    @functools.cached_property
    def vault(self) -> Vault:
        """Seals and opens tokens; reads the master key."""
        return Vault(self.key_source)

    def rotation(self, point: Callable[[str], None]) -> Rotation:
        """Changes the master key."""
        return Rotation(self._database, self.key_source, point, reconnecting.base(self._settings))

    @functools.cached_property
    def audit(self) -> AuditLog:
        """The append-only log of acts."""
        return AuditLog(self.vault, self._actor, self._clock.now)

    @functools.cached_property
    def api_keys(self) -> ApiKeys:
        """Makes and recognises the keys of the HTTP API."""
        return ApiKeys(self.vault)

    @functools.cached_property
    def app(self) -> App:
        """Our registration at Xero."""
        xero = self._settings.xero
        secret = xero.client_secret.reveal() if xero.client_secret else None
        page = reconnecting.base(self._settings)
        return App(xero.client_id, secret, is_custom=xero.kind == "custom", public_url=page)

    @functools.cached_property
    def tokens(self) -> GrantTokens:
        """Fresh access tokens of every consent."""
        return GrantTokens(self._database, self.vault, self._transport, self.app, owner=self._owner)

    @functools.cached_property
    def background(self) -> Background:
        """Refreshes consents beside the work."""
        client_id = self._settings.xero.client_id
        return Background(self._database, lambda: self.tokens, client_id, self._transport.time)

    @functools.cached_property
    def probe(self) -> Probe:
        """Reads what a consent reaches, and what an organisation says of itself."""
        return Probe(self._transport, self.tokens, self._pacer, names_tenant=not self.app.is_custom)

    @functools.cached_property
    def connections(self) -> Connections:
        """What the app may reach, as Xero lists it now."""
        return Connections(self._database, self.audit, self._transport, self.tokens, self.probe, self.app)

    @functools.cached_property
    def consent(self) -> Consent:
        """Asks a person for consent."""
        return Consent(self._database, self.vault, self.audit, self._transport, self.app)

    @functools.cached_property
    def custom(self) -> CustomConnection:
        """Asks for a custom connection's token, which needs no person."""
        return CustomConnection(self._database, self.vault, self.audit, self._transport, self.app)

    def client(self, binding: Binding) -> XeroClient:
        """The client of a bound organisation. A custom connection's calls name no tenant."""
        named = not self.app.is_custom
        return XeroClient(binding, self._transport, self.tokens, self._pacer, names_tenant=named)

    @property
    def fingerprint_life(self) -> datetime.timedelta:
        """How long an organisation counts as looked at."""
        return UNNAMED_LIFE if self.app.is_custom else FINGERPRINT_LIFE

    @functools.cached_property
    def bindings(self) -> Bindings:
        """Binds entities to organisations."""
        return Bindings(self._database, self.audit, self.probe, self.connections)
