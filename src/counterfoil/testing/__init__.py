"""What you import to test your own flows and programs against a Xero that runs on your machine. Needs pytest.

What: `Sandbox`, one running sandbox process; `start` begins one; three pytest fixtures: one process for the session,
reset for every test. Who calls it: your tests; nothing of ours does. May import the standard library and pytest alone.

In your conftest.py:

    pytest_plugins = ["counterfoil.testing"]

and in a test:

    def test_my_importer(xero_sandbox):
        my_importer(api_url=xero_sandbox.url, token=xero_sandbox.token("accounting.invoices accounting.contacts"))
        assert len(xero_sandbox.ledger()["Invoices"]) == 3
"""

from counterfoil.testing.fixtures import xero_sandbox, xero_sandbox_options, xero_sandbox_process
from counterfoil.testing.sandbox import Refused, Sandbox, start

__all__ = ["Refused", "Sandbox", "start", "xero_sandbox", "xero_sandbox_options", "xero_sandbox_process"]
