"""Subscriptions in the App Store: bought and changed by an organisation, told to the app, read by it alone."""

import base64
import json

import pytest

from tests.sandbox.conftest import AU, GB
from tests.sandbox.test_webhooks import settled, subscribe
from tests.webhook_receiver import Receiver


@pytest.fixture
def receiver(sandbox):
    """An address that does everything right."""
    receiver = Receiver(sandbox.ready["webhook_key"])
    yield receiver
    receiver.close()


def token(sandbox, scope="marketplace.billing", **app):
    """An app's own token."""
    client, secret = (
        app.get("client_id", sandbox.ready["client_id"]),
        app.get("client_secret", sandbox.ready["client_secret"]),
    )
    basic = base64.b64encode(f"{client}:{secret}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
    answer = sandbox.request("POST", "/connect/token", f"grant_type=client_credentials&scope={scope}".encode(), headers)
    return answer.json["access_token"]


def read(sandbox, own_id, access_token, method="GET"):
    headers = {"Authorization": f"Bearer {access_token}"}
    return sandbox.request(method, f"/appstore/2.0/subscriptions/{own_id}", headers=headers)


def test_an_app_is_told_of_its_subscriptions_and_of_nobody_elses(sandbox, receiver):
    """SUBSCRIPTION events: the tenant is the application, there is no `data`, and the address answers."""
    subscribe(sandbox, receiver, categories=["SUBSCRIPTION"])
    other = sandbox.post("/_sandbox/apps", {"name": "Another app"})["client_id"]
    bought = sandbox.post("/_sandbox/subscriptions", {"plan": "Small"})
    sandbox.post("/_sandbox/subscriptions", {"client_id": other})
    sandbox.post(f"/_sandbox/subscriptions/{bought['id']}", {"status": "CANCELED"})
    settled(sandbox)
    told = [event for _, body, good in receiver.deliveries if good for event in json.loads(body)["events"]]
    assert [event["eventType"] for event in told] == ["CREATE", "UPDATE"]
    assert {event["eventCategory"] for event in told} == {"SUBSCRIPTION"}
    assert {event["tenantType"] for event in told} == {"APPLICATION"}
    assert {event["resourceId"] for event in told} == {bought["id"]}
    assert {tuple(event) for event in told} == {
        ("resourceUrl", "resourceId", "eventDateUtc", "eventType", "eventCategory", "tenantId", "tenantType")
    }
    headers = {"Authorization": f"Bearer {token(sandbox)}"}
    path = told[0]["resourceUrl"].removeprefix(sandbox.url)
    assert sandbox.request("GET", path, headers=headers).json["status"] == "CANCELED"


def test_a_subscription_has_exactly_the_published_members(sandbox):
    """Ids, dates without an offset, and a plan of one item at a fixed price."""
    own_id = sandbox.post("/_sandbox/subscriptions", {"tenant": sandbox.tenant(AU), "plan": "Large"})["id"]
    shown = read(sandbox, own_id, token(sandbox)).json
    assert set(shown) == {"id", "organisationId", "testMode", "status", "startDate", "currentPeriodEnd", "plans"}
    assert shown["organisationId"] == sandbox.tenant(AU)
    (plan,) = shown["plans"]
    assert (plan["name"], plan["status"]) == ("Large", "ACTIVE")
    (item,) = plan["subscriptionItems"]
    assert set(item) == {"id", "startDate", "status", "testMode", "quantity", "price", "product"}
    changed = sandbox.post(f"/_sandbox/subscriptions/{own_id}", {"plan": "Small"})
    assert [(plan["name"], plan["status"]) for plan in changed["plans"]] == [("Large", "CANCELED"), ("Small", "ACTIVE")]


def test_who_may_read_a_subscription(sandbox):
    """401 without the scope or with a user's token, 404 for another app's and for what is not there, 405 for a write."""
    own_id = sandbox.post("/_sandbox/subscriptions", {})["id"]
    other = sandbox.post("/_sandbox/apps", {"name": "Another app"})
    assert read(sandbox, own_id, token(sandbox, "app.connections")).status == 401
    assert read(sandbox, own_id, sandbox.connect()["access_token"]).status == 401
    assert read(sandbox, own_id, token(sandbox, **other)).status == 404
    assert read(sandbox, "x", token(sandbox)).status == 404
    assert read(sandbox, own_id, token(sandbox), "DELETE").status == 405


@pytest.mark.parametrize(
    "sent",
    [{"status": "PAUSED"}, {"plan": ""}, {"plan": 5}, {"tenant": "x"}, {"client_id": "x"}, {"colour": "blue"}, []],
)
def test_what_is_no_subscription(sandbox, sent):
    """400 with the reason; a subscription does not change its app."""
    assert sandbox.request("POST", "/_sandbox/subscriptions", json.dumps(sent).encode()).status == 400
    own_id = sandbox.post("/_sandbox/subscriptions", {"tenant": sandbox.tenant(GB)})["id"]
    moved = json.dumps({"client_id": sandbox.ready["public_client_id"]}).encode()
    assert sandbox.request("POST", f"/_sandbox/subscriptions/{own_id}", moved).status == 400
    assert sandbox.request("POST", "/_sandbox/subscriptions/x", b"{}").status == 404
