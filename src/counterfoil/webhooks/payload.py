"""What a delivery says: its events, as far as they can be read (facts §6.1, §6.2).

Called by inbox, after the signature. Nothing in it is fatal: what cannot be read is counted and kept raw. Categories are
compared in capitals and may be new; keys come in any order; times have no zone and are UTC. Pure: the instant of receipt is handed over.
"""

import datetime
import hashlib
import re
from typing import Final

import msgspec

from counterfoil.store.inbox import Delivery, Event

ID: Final = re.compile(r"[0-9A-Za-z-]{1,64}")
WORD: Final = re.compile(r"[0-9A-Za-z_-]{1,40}")
EVENTS_MAX: Final = 20_000  # of one delivery: more than fit into the largest body
# An event from its receipt: what is further away, such as .NET's first and last times, would settle at once or never.
APART_MAX: Final = datetime.timedelta(days=3_653)
APPLICATION: Final = "APPLICATION"
ORGANISATION: Final = "ORGANISATION"


class _Event(msgspec.Struct, rename="camel"):
    """As it is on the wire; what is not declared is left alone."""

    tenant_id: str
    resource_id: str
    event_category: str
    event_date_utc: msgspec.Raw = msgspec.Raw(b"null")  # of whatever form: it costs nobody the event
    tenant_type: str | None = None


class _Payload(msgspec.Struct):
    events: list[msgspec.Raw]


_payloads: Final = msgspec.json.Decoder(_Payload)
_events: Final = msgspec.json.Decoder(_Event)
_texts: Final = msgspec.json.Decoder(str)


def read(body: bytes, now: datetime.datetime) -> Delivery:
    """A delivery with the events that can be read. No event and nothing unread: Xero's intent to receive."""
    digest = hashlib.sha256(body).digest()
    try:
        raws = _payloads.decode(body).events
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Delivery(body, digest, now, unread=1)
    found = [_event(raw, now) for raw in raws[:EVENTS_MAX]]
    events = tuple(one for one in found if one is not None)
    return Delivery(body, digest, now, events, len(raws) - len(events))


def is_intent(delivery: Delivery) -> bool:
    """Whether there is nothing to be kept: the list of events is empty."""
    return not delivery.events and not delivery.unread


def looks_like_xeros(body: bytes) -> bool:
    """Whether it is made like a payload of Xero's, whoever made it: so that a lost signature is told from noise."""
    return b'"firstEventSequence"' in body and b'"events"' in body


def _event(raw: msgspec.Raw, now: datetime.datetime) -> Event | None:
    """One event; None: it does not say what it is about."""
    try:
        given = _events.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not (ID.fullmatch(given.tenant_id) and ID.fullmatch(given.resource_id) and WORD.fullmatch(given.event_category)):
        return None
    is_app = (given.tenant_type or "").upper() == APPLICATION
    return Event(
        given.tenant_id.lower(), APPLICATION if is_app else ORGANISATION, given.event_category.upper(),
        given.resource_id.lower(), _instant(given.event_date_utc, now) or now,
    )  # fmt: skip


def _instant(raw: msgspec.Raw, now: datetime.datetime) -> datetime.datetime | None:
    """Xero's time, which has no zone and is UTC. None: it is none, and the time of receipt has to do."""
    try:
        at = datetime.datetime.fromisoformat(_texts.decode(raw))
        at = at.replace(tzinfo=datetime.UTC) if at.tzinfo is None else at.astimezone(datetime.UTC)
    except (msgspec.DecodeError, ValueError, OverflowError):
        return None
    return at if abs(at - now) <= APART_MAX else None
