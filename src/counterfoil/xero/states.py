"""The kept states of one turn, as bytes and as what they mean.

Called by pacing. Pure.
"""

from typing import Final, TypeVar

import msgspec

from counterfoil.store.limits import States
from counterfoil.xero.places import App, Tenant

APP: Final = "app"


T = TypeVar("T", App, Tenant)


class Books:
    """The states of one turn, decoded when they are needed."""

    def __init__(self, states: States) -> None:
        self._states = states
        self._tenants: dict[str, Tenant] = {}
        self.app = _decoded(states.get(APP), App)

    def tenant(self, key: str) -> Tenant:
        """A tenant's state; empty when it was never written."""
        found = self._tenants.get(key)
        if found is None:
            found = _decoded(self._states.get(key), Tenant)
            self._tenants[key] = found
        return found

    def written(self, only: str | None = None) -> dict[str, bytes]:
        """What was looked at, encoded again; what stayed as it was need not be written."""
        found = {APP: msgspec.msgpack.encode(self.app)}
        if only is None:
            found |= {key: msgspec.msgpack.encode(one) for key, one in self._tenants.items()}
        return {key: state for key, state in found.items() if state != self._states.get(key)}


def _decoded(state: bytes | None, kind: type[T]) -> T:
    """What was kept; empty when nothing was, or when another version kept it in another form: that costs a 429 at most."""
    if state is None:
        return kind()
    try:
        return msgspec.msgpack.decode(state, type=kind)
    except msgspec.DecodeError:
        return kind()
