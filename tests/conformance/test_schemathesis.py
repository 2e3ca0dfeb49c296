"""schemathesis plays Xero's OpenAPI file against the sandbox: no 500 that nobody asked for.

It makes what the file allows, of each operation; `test_random_requests` makes what somebody might send besides. A status
below 500, or 501, is the whole proof: the sandbox says 500 for its own mistakes alone.
"""

import os

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings

from tests import sandbox_process
from tests.conformance import published
from tests.conformance.test_random_requests import connected

FILE = published.OPENAPI / "xero_accounting.yaml"
EXAMPLES = 100 if os.environ.get("SOAK") else 2  # of each of the 235 operations
OPERATIONS = (
    [found.ok() for found in schemathesis.openapi.from_path(FILE).get_all_operations()] if FILE.exists() else []
)

CARRIED = frozenset({"authorization", "xero-tenant-id", "accept"})

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(not FILE.exists(), reason="Xero's OpenAPI files are not at ../shared/openapi"),
]


@pytest.fixture(scope="module")
def sandbox():
    """A sandbox of its own: its books are filled with whatever is allowed."""
    with sandbox_process.start("--auto-consent", "--no-limits", "--organisations", "1") as process:
        yield process


@pytest.fixture(scope="module")
def send(sandbox):
    """Send a case with a good token; → the status."""
    headers = {
        "Authorization": f"Bearer {connected(sandbox)}",
        "xero-tenant-id": sandbox.tenant(1),
        "Accept": "application/json",
    }
    with requests.Session() as session:
        session.trust_env = False

        def status(case):
            sent = case.as_transport_kwargs(base_url=f"{sandbox.url}/api.xro/2.0")
            sent["headers"] = {name: value for name, value in sent["headers"].items() if name.lower() not in CARRIED}
            sent["headers"] |= headers
            return session.request(timeout=30, **sent).status_code

        yield status


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_nothing_that_the_file_allows_is_a_500(send, operation):
    """Whatever its parameters and body say."""

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy())
    def play(case):
        status = send(case)
        assert status < 500 or status == 501, f"{operation.label} answered {status}"

    play()
