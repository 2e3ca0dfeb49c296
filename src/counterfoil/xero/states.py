"""The kept states of one turn, as bytes and as what they mean.

Called by pacing. Pure.
"""

from typing import Final

import msgspec

from counterfoil.store.limits import States
from counterfoil.xero.places import App, Tenant

APP: Final = "app"


class Books:
    """The states of one turn, decoded when they are needed."""

    def __init__(self, states: States) -> None:
        self._states = states
        self._tenants: dict[str, Tenant] = {}
        self.app = msgspec.msgpack.decode(states[APP], type=App) if APP in states else App()

    def tenant(self, key: str) -> Tenant:
        """A tenant's state; empty when it was never written."""
        found = self._tenants.get(key)
        if found is None:
            state = self._states.get(key)
            found = Tenant() if state is None else msgspec.msgpack.decode(state, type=Tenant)
            self._tenants[key] = found
        return found

    def written(self, only: str | None = None) -> dict[str, bytes]:
        """What was looked at, encoded again; what stayed as it was need not be written."""
        found = {APP: msgspec.msgpack.encode(self.app)}
        if only is None:
            found |= {key: msgspec.msgpack.encode(one) for key, one in self._tenants.items()}
        return {key: state for key, state in found.items() if state != self._states.get(key)}
