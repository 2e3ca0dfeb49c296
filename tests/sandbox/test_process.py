"""The process: options, ready line, state file, kill -9, clean end."""

import json
import subprocess
import sys

import pytest

from counterfoil.sandbox import options
from tests import sandbox_process
from tests.sandbox.conftest import Ledger, invoice

READY = [
    "ready", "url", "login_url", "identity_url", "api_url", "client_id", "client_secret", "public_client_id",
    "webhook_key", "organisations",
]  # fmt: skip


def test_the_ready_line_has_what_a_client_needs():
    """One JSON line with the contract's keys; the same seed gives the same organisations; SIGTERM ends with 0."""
    with sandbox_process.start("--seed", "7", "--organisations", "6") as first:
        assert list(first.ready) == READY
        assert list(first.ready["organisations"][0]) == [
            "tenant_id", "name", "short_code", "country", "base_currency", "timezone",
        ]  # fmt: skip
        assert len({row["name"] for row in first.ready["organisations"]}) == 6
        with sandbox_process.start("--seed", "7", "--organisations", "6") as second:
            assert second.ready["organisations"] == first.ready["organisations"]
            assert second.ready["client_id"] == first.ready["client_id"]
            assert second.stop() == 0
        with sandbox_process.start("--organisations", "6") as third:
            assert third.tenant(1) != first.tenant(1)


@pytest.mark.parametrize(
    "arguments",
    [["--history", "-1"], ["--histories", "3"], ["--tier", "gold"], ["--port", "x"],
     ["--organisations", "0"], ["--minute-window-s", "-1"], ["--auto"]],
)  # fmt: skip
def test_an_option_that_does_not_exist_is_exit_2(arguments):
    """Typos, abbreviations and bad values are refused."""
    with pytest.raises(SystemExit) as caught:
        options.parse(arguments)
    assert caught.value.code == 2


def test_a_port_that_is_taken_is_exit_2():
    """The process says that it cannot start."""
    with sandbox_process.start() as sandbox:
        port = sandbox.url.rpartition(":")[2]
        command = [sys.executable, "-m", "counterfoil.sandbox", "--port", port]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert "cannot start" in ended.stderr


def test_everything_outlives_kill_9(tmp_path):
    """With --state, ledger, connections, tokens, kept answers and numbers are there after kill -9 and a new start."""
    state = str(tmp_path / "state.jsonl")
    arguments = ("--auto-consent", "--no-limits", "--idempotency-ttl-s", "1000", "--state", state)
    first = sandbox_process.start(*arguments)
    tokens = first.connect()
    before = Ledger(first, tokens["access_token"], first.tenant(1))
    body = {"Invoices": [invoice(before.contact(), Reference="ünï")]}
    answer = before.call("PUT", "Invoices", body, Idempotency_Key="k")
    due = before.write("PUT", invoice(before.stored("Contacts")[0]["ContactID"]))[0]
    payment = {"Invoice": {"InvoiceID": due["InvoiceID"]}, "Account": {"Code": "090"}, "Amount": 25}
    before.write("PUT", payment, to="Payments")
    note = invoice(due["Contact"]["ContactID"], Type="ACCRECCREDIT")
    (note,) = before.write("PUT", note, to="CreditNotes")
    allocation = {"Invoice": {"InvoiceID": due["InvoiceID"]}, "Amount": 0.2}
    assert before.call("PUT", f"CreditNotes/{note['CreditNoteID']}/Allocations", allocation).status == 200
    first.organisation(before.tenant, invoice_reminders=True, approvals_left=7)
    history = before.get(f"Invoices/{due['InvoiceID']}/History")["HistoryRecords"]
    assert len(history) == 3
    books = first.ledger(first.tenant(1))
    first.advance(600)
    now = first.get("/_sandbox/health")["now"]
    first.kill()
    with sandbox_process.start(*arguments) as second:
        after = Ledger(second, tokens["access_token"], second.tenant(1))
        assert second.ledger(second.tenant(1)) == books
        assert second.get("/_sandbox/health")["now"] > now
        assert after.call("PUT", "Invoices", body, Idempotency_Key="k").body == answer.body
        assert after.get(f"Invoices/{due['InvoiceID']}/History")["HistoryRecords"] == history
        assert after.get("InvoiceReminders/Settings")["InvoiceReminders"] == [{"Enabled": True}]
        made = after.write("PUT", invoice(books["Contacts"][0]["ContactID"]))[0]
        assert made["InvoiceNumber"] == "INV-0003"
        assert made["InvoiceID"] != books["Invoices"][0]["InvoiceID"]
        form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        secret = {"client_id": second.ready["client_id"], "client_secret": second.ready["client_secret"]}
        assert second.form("/connect/token", {**form, **secret}).status == 200


def test_a_torn_last_line_is_forgotten_and_a_damaged_one_is_not(tmp_path):
    """A line that a kill cut off was never answered; damage elsewhere, another seed or a foreign file is exit 2."""
    state = tmp_path / "state.jsonl"
    sandbox_process.start("--state", str(state)).stop()
    whole = state.read_bytes()
    state.write_bytes(whole + b'[["world","meta","x",{"a')
    sandbox_process.start("--state", str(state)).stop()
    with pytest.raises(RuntimeError, match="exit code 2"):
        sandbox_process.start("--state", str(state), "--seed", "5")
    for damaged in (whole.replace(b"]]\n", b"\n", 1), b'{"other": 1}\n', b"[1]\n"):
        state.write_bytes(damaged)
        with pytest.raises(RuntimeError, match="exit code 2"):
            sandbox_process.start("--state", str(state))


def test_a_reset_organisation_stays_reset_after_a_restart(tmp_path):
    """The new incarnation of an organisation is in the state file, the old one is not."""
    state = str(tmp_path / "state.jsonl")
    first = sandbox_process.start("--state", state)
    new = first.organisation(first.tenant(2), reset=True)["tenant_id"]
    first.kill()
    with sandbox_process.start("--state", state) as second:
        assert second.tenant(2) == new
        assert [row["name"] for row in second.ready["organisations"]] == [
            row["name"] for row in first.ready["organisations"]
        ]


def test_the_sandbox_imports_nothing_heavy_or_ours():
    """A fresh interpreter that imports the server has loaded no other package of ours and no database library."""
    code = (
        "import sys, json, counterfoil.sandbox.server;"
        "print(json.dumps([n for n in sys.modules if n.startswith(('counterfoil.', 'sqlalchemy', 'sqlite3'))]))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert [name for name in json.loads(ended.stdout) if not name.startswith("counterfoil.sandbox")] == []
