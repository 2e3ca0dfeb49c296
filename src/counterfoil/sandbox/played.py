"""The answers of faults that spare a request its processing: what Xero says when it is down, or of whoever asks too much.

Called by `door` before anything else is looked at.
"""

from counterfoil.sandbox import gate, wire
from counterfoil.sandbox.answers import Answer
from counterfoil.sandbox.faults import Fault
from counterfoil.sandbox.limits import Limits
from counterfoil.sandbox.world import World

UNAVAILABLE = "The Xero API is temporarily unavailable"
OFFLINE = "The Organisation is offline"


def answer(world: World, limits: Limits, fault: Fault | None) -> Answer | None:
    """The answer of a fault that spares the request its processing."""
    match None if fault is None else fault.kind:
        case "503":
            return Answer(503, UNAVAILABLE.encode(), wire.TEXT)
        case "503_offline":
            return Answer(503, OFFLINE.encode(), wire.TEXT)
        case "401_expired":
            return gate.token_expired(world, int(world.clock.seconds()) - 1)
        case "403":
            return gate.forbidden(world)
        case "412":
            return Answer(412)
        case "429_minute" | "429_day" | "429_concurrent" | "429_appminute" as kind:
            return limits.played(kind.removeprefix("429_"), None if fault is None else fault.delay_s)
        case _:
            return None
