"""Deliveries as Xero makes them: bytes with its irregular spaces, and their signature. Standard library only."""

import base64
import hashlib
import hmac
import json
import uuid

KEY = "a-webhook-key-that-only-tests-use-0123456789=="
TENANT = "45e4708e-d862-4111-ab3a-dd8cd03913e1"
AT = "2026-11-22T09:00:00.123"
INTENT = b'{"events":[],"firstEventSequence": 0,"lastEventSequence": 0, "entropy": "LUWDSUDGSWNZVALZXBEV"}'


def signature(body, key=KEY):
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


def event(resource_id=None, *, tenant=TENANT, category="INVOICE", at=AT, kind="UPDATE", **more):
    resource_id = resource_id or str(uuid.uuid4())
    return {
        "resourceUrl": f"https://api.xero.com/api.xro/2.0/Invoices/{resource_id}", "resourceId": resource_id,
        "eventDateUtc": at, "eventType": kind, "eventCategory": category, "tenantId": tenant,
        "tenantType": "ORGANISATION", **more,
    }  # fmt: skip


def body(*events, first=1):
    listed = json.dumps(events, separators=(",", ":"), ensure_ascii=False).encode()
    last = first + max(0, len(events) - 1)
    return (
        b'{"events":'
        + listed
        + f',"firstEventSequence": {first},"lastEventSequence": {last}, "entropy": "X"}}'.encode()
    )


def altered(text, at):
    """The same with one character changed."""
    other = "A" if text[at] != "A" else "B"
    return text[:at] + other + text[at + 1 :]
