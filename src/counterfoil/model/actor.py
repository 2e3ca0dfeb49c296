"""Who did it: every act has an actor.

Called by access/actors (who runs this process), app and the audit log. Design §1: an OS user at a host, an API key, a
console user, a schedule. Pure.
"""

from typing import Literal

import msgspec

Kind = Literal["person", "schedule", "api-key", "console"]


class Actor(msgspec.Struct, frozen=True):
    """One actor. A person's name is "user@host"; the others' names are a flow, a key's or a console user's own id."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        """As the audit log, runs and fixes keep it: "user@host", "schedule:shop", "api-key:till"."""
        return self.name if self.kind == "person" else f"{self.kind}:{self.name}"
