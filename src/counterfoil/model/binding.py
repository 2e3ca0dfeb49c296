"""Entity ↔ tenant: the only thing from which a Xero client is made. There is no default tenant.

Made by access/bindings; called by xero/client, mirror, posting. Design §3.2.
"""

import msgspec


class Fingerprint(msgspec.Struct, frozen=True):
    """What an organisation said of itself when it was bound. id, currency and country may never change."""

    organisation_id: str
    name: str
    short_code: str
    base_currency: str
    country: str


class Binding(msgspec.Struct, frozen=True):
    """One entity bound to one tenant. `stopped` says why writes are stopped; None: they are not."""

    entity: str
    tenant_id: str
    grant_id: str
    fingerprint: Fingerprint
    timezone: str = ""
    is_demo: bool = False
    stopped: str | None = None
