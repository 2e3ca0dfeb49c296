"""The sandbox that users import into their own tests, and the fixtures around it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from counterfoil import testing

PAGE = (Path(__file__).parents[2] / "docs" / "howto" / "sandbox.md").read_text(encoding="utf-8")
SCOPES = "accounting.contacts accounting.settings"


@pytest.fixture(scope="module")
def sandbox():
    """One process for this file."""
    with testing.start("--auto-consent", "--no-limits") as running:
        yield running


@pytest.fixture
def fresh(sandbox):
    """The same, as new."""
    sandbox.reset()
    return sandbox


def test_a_test_can_write_look_and_start_again(fresh):
    """A call lands in the ledger and the log; a reset forgets all of it."""
    token = fresh.token(SCOPES)
    made = fresh.call("PUT", "Contacts", token, {"Name": "Blue Fern Ltd"})
    assert made["Contacts"][0]["Name"] == "Blue Fern Ltd"
    assert [row["Name"] for row in fresh.ledger()["Contacts"]] == ["Blue Fern Ltd"]
    assert fresh.requests()[-1]["method"] == "PUT"
    fresh.advance(3600)
    fresh.fault("503")
    fresh.reset()
    assert (fresh.ledger()["Contacts"], fresh.requests()) == ([], [])
    assert fresh.call("GET", "Organisation", fresh.token(SCOPES))["Organisations"]


def test_organisations_are_found_by_number_name_and_country(fresh):
    """And an unknown one is a KeyError."""
    assert fresh.tenant(2) == fresh.tenant("AU") == fresh.tenant("Wattle & Co Pty Ltd")
    assert fresh.call("GET", "Organisation", fresh.token(SCOPES), tenant=fresh.tenant("NL"))["Organisations"]
    with pytest.raises(KeyError):
        fresh.tenant("FR")


def test_a_refusal_is_raised_with_what_was_said(fresh):
    """Of Xero's side and of a control alike; a person's refusal is an answer."""
    with pytest.raises(testing.Refused, match="AuthorizationUnsuccessful") as refused:
        fresh.call("GET", "Invoices", fresh.token(SCOPES))
    assert refused.value.status == 401
    with pytest.raises(testing.Refused, match="unknown fault"):
        fresh.fault("nonsense")
    with pytest.raises(testing.Refused, match="Invalid scope"):
        fresh.token("nonsense")
    assert fresh.person("PUT", "Contacts", {"Name": ""})["status"] == 400


def test_the_settings_are_those_of_a_configuration(fresh):
    """The PKCE app and one origin for all three of Xero's hosts."""
    assert fresh.settings == {
        "client_id": fresh.ready["public_client_id"],
        "login_url": fresh.url,
        "identity_url": fresh.url,
        "api_url": fresh.url,
    }


def test_a_sandbox_that_cannot_start_is_told():
    """A wrong option is an error at once."""
    with pytest.raises(RuntimeError, match="exit code 2"):
        testing.start("--colour")


def test_the_fixtures_work_in_somebody_elses_project(tmp_path):
    """One process for the session, empty for each test, with the options of an overridden fixture."""
    (tmp_path / "conftest.py").write_text(
        "import pytest\n"
        'pytest_plugins = ["counterfoil.testing"]\n'
        '@pytest.fixture(scope="session")\n'
        "def xero_sandbox_options():\n"
        '    return ("--auto-consent", "--no-limits", "--organisations", "1")\n'
    )
    (tmp_path / "test_it.py").write_text(
        "import pytest\n"
        "seen = []\n"
        '@pytest.mark.parametrize("n", [1, 2])\n'
        "def test_it(xero_sandbox, n):\n"
        "    assert len(xero_sandbox.ready['organisations']) == 1\n"
        "    assert xero_sandbox.ledger()['Contacts'] == []\n"
        "    token = xero_sandbox.token('accounting.contacts')\n"
        "    xero_sandbox.call('PUT', 'Contacts', token, {'Name': 'A'})\n"
        "    seen.append(xero_sandbox.process.pid)\n"
        "    assert len(set(seen)) == 1 and len(seen) == n\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", str(tmp_path)]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "2 passed" in ended.stdout


def test_the_xero_python_program_of_the_guide_runs(fresh, capsys):
    """As it is printed there."""
    (program,) = [block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "xero_python" in block]
    exec(compile(program.replace("http://127.0.0.1:8320", fresh.url), "sandbox.md", "exec"), {})
    assert capsys.readouterr().out == "Fernhill Trading Ltd\n"
