"""`counterfoil demo --once`, as `make demo ONCE=1` runs it: exit 0, six steps, and the proof is the ledger's own."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

TIMEOUT_S = 240


def demo(folder, *words):
    """Run the demo in a folder, for a user whose environment names a database and a Xero of his own."""
    command = [sys.executable, "-m", "counterfoil", "demo", *words]
    environ = os.environ | {
        "COUNTERFOIL_STORE__URL": f"sqlite:///{folder / 'theirs.db'}",
        "COUNTERFOIL_XERO__API_URL": "https://nowhere.invalid",
        "COUNTERFOIL_VAULT__MASTER_KEY": "not for a demo",
    }
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, env=environ
    )


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """One demo, told to people."""
    folder = tmp_path_factory.mktemp("demo")
    return folder, demo(folder, "--once")


def test_the_demo_ends_well_in_six_steps(ended):
    """Steps in order, the kill and the lost answer among them, the export mended, each bad sale named, nothing twice."""
    _folder, told = ended
    assert (told.returncode, told.stderr) == (0, "")
    steps = [line[0] for line in told.stdout.splitlines() if line[:1].isdigit()]
    assert steps == ["1", "2", "3", "4", "5", "6"]
    assert "was killed with -9" in told.stdout
    assert "answer was lost" in told.stdout
    assert "exactly once, to the cent" in told.stdout
    assert "mends this and all like it: 7 posted" in told.stdout
    assert "takes them back: 20 deleted, 0 left" in told.stdout
    assert "≠" not in told.stdout
    for order in range(2002, 2013):
        assert f"order-{order}: " in told.stdout


def test_the_users_own_database_is_not_touched(ended):
    """What the environment sets for the user's own books is forgotten: the demo has a database of its own."""
    folder, told = ended
    assert told.returncode == 0
    assert not (folder / "theirs.db").exists()
    assert (folder / ".demo" / "counterfoil.db").exists()


def test_the_folder_stays_and_the_sandbox_is_gone(ended):
    """What the demo made can be looked at afterwards; it started nothing that outlives it."""
    folder, _told = ended
    command = [sys.executable, "-m", "counterfoil", "--config", ".demo/counterfoil.toml", "--json"]
    status = subprocess.run([*command, "status"], cwd=folder, capture_output=True, text=True, check=True)
    entities = json.loads(status.stdout)["entities"]
    assert sum(one["postings"]["posted"] for one in entities) == 388 + 399  # the day's sales, and the web shop's orders
    plan = subprocess.run([*command, "run", "shop"], cwd=folder, capture_output=True, text=True, check=False)
    assert plan.returncode == 4
    assert (folder / ".demo" / ".gitignore").read_text() == "*\n"


def test_interrupted_it_ends_what_it_started(tmp_path):
    """Ctrl-C in the middle: 130, and nothing listens any more."""
    command = [sys.executable, "-m", "counterfoil", "demo", "--once"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    url = ""
    for line in process.stdout:
        if "http://" in line and not url:
            url = line.split()[0]
        if line.startswith("3. "):
            break
    process.send_signal(signal.SIGINT)
    _out, err = process.communicate(timeout=60)
    assert (process.returncode, "run the same command again" in err) == (130, True)
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(url, timeout=5)


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path):
    """Somebody's own `.demo` is not removed."""
    (tmp_path / ".demo").mkdir()
    (tmp_path / ".demo" / "thesis.txt").write_text("mine")
    told = demo(tmp_path, "--once", "--json")
    assert (told.returncode, json.loads(told.stdout)["error"]["code"]) == (2, "input")
    assert (tmp_path / ".demo" / "thesis.txt").read_text() == "mine"
