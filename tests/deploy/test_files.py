"""The container file, the compose file and the unit: what they call exists, they hold no secret, and they give away little."""

import asyncio
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from counterfoil import settings
from counterfoil.cli import catalogue, switches
from tests.cli.office import Office
from tests.service.conftest import serving

ROOT = Path(__file__).parents[2]
CONTAINER = (ROOT / "deploy" / "Containerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
UNIT = ROOT / "deploy" / "counterfoil.service"
OURS = [name for name, service in COMPOSE["services"].items() if service.get("image") == "counterfoil"]
EXPOSURE_MAX = 2.0  # of systemd's own scale from 0 to 10
SECRET = re.compile(r"(?i)password\s*[:=]\s*[^\s/{$]|://[^/\s:]+:[^/@\s$]+@")


def lines(name):
    """The values of a key of the unit."""
    return [line.partition("=")[2] for line in UNIT.read_text().splitlines() if line.startswith(f"{name}=")]


def checked(words):
    """A command line of ours names a command that there is, and options that it has."""
    options, rest = switches.hoist(list(words))
    assert rest[0] in catalogue.BY_NAME
    return options, rest


def test_commands_of_the_container_exist():
    """Its own, and those of every service beside it."""
    (command,) = re.findall(r"^CMD (\[.*\])$", CONTAINER, re.MULTILINE)
    given = [json.loads(command), *(COMPOSE["services"][name]["command"] for name in OURS)]
    assert [checked(words)[1] for words in given] == [["serve"], ["serve"], ["worker"]]
    assert {checked(words)[0].config for words in given} == {"/data/counterfoil.toml"}


def test_the_command_of_the_unit_exists():
    """And whatever ends it, it is started again: a database that is up later than we are ends it as a mistake does."""
    (start,) = lines("ExecStart")
    program, *words = shlex.split(start)
    options, rest = checked(words)
    assert (program.endswith("/bin/counterfoil"), rest) == (True, ["serve"])
    assert options.config.startswith(*lines("WorkingDirectory"))
    assert (lines("Restart"), lines("RestartPreventExitStatus"), lines("StartLimitIntervalSec")) == (
        ["always"],
        [],
        ["0"],
    )


def test_what_deploying_puts_beside_the_files_is_neither_committed_nor_built_in():
    """Passwords, keys and books under deploy/ stay out of the repository and out of what the container's builder is handed."""
    for name in (".gitignore", ".dockerignore"):
        assert {"deploy/secrets/", "deploy/books/"} <= set((ROOT / name).read_text().split())


def test_variables_that_are_set_are_declared():
    """A typo would be an error at the start."""
    declared = {f"COUNTERFOIL_{field.table}__{field.key}".upper() for field in settings.declared()}
    text = CONTAINER + (ROOT / "deploy" / "compose.yaml").read_text() + UNIT.read_text()
    named = set(re.findall(r"COUNTERFOIL_\w+", text))
    assert {name for name in named if name not in declared and name.removesuffix("_FILE") not in declared} == set()


def test_no_password_stands_in_them():
    """Secrets are files, and each that a service asks for is declared."""
    for file in (ROOT / "deploy").iterdir():
        assert SECRET.search(file.read_text()) is None, file.name
    assert all(set(one) == {"file"} for one in COMPOSE["secrets"].values())
    asked = {secret for service in COMPOSE["services"].values() for secret in service["secrets"]}
    assert asked == set(COMPOSE["secrets"])


def test_nothing_runs_as_root_or_writes_where_it_need_not():
    """The container has a user of its own; ours are read-only, without capabilities, and bounded."""
    assert re.findall(r"^USER (\S+)$", CONTAINER, re.MULTILINE)[-1] == "10001:10001"
    for name in OURS:
        service = COMPOSE["services"][name]
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
        assert "no-new-privileges:true" in service["security_opt"]
        assert {"mem_limit", "pids_limit", "stop_grace_period"} <= service.keys()
        assert service["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert "healthcheck" in COMPOSE["services"]["postgres"]
    assert [port.startswith("127.0.0.1:") for port in COMPOSE["services"]["serve"]["ports"]] == [True]


def test_it_is_stopped_as_the_service_wants_it():
    """SIGTERM, and more time than it takes."""
    assert re.findall(r"^STOPSIGNAL (\w+)$", CONTAINER, re.MULTILINE) == lines("KillSignal") == ["SIGTERM"]
    assert int(lines("TimeoutStopSec")[0]) >= 20
    assert COMPOSE["services"]["serve"]["stop_grace_period"] == "30s"


def test_systemd_takes_the_unit_and_finds_little_to_reach(tmp_path):
    """Where there is systemd, it says so itself; everywhere, the bounds that matter most are set."""
    (start,) = lines("ExecStart")
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace(shlex.split(start)[0], "/bin/true"))
    if shutil.which("systemd-analyze"):
        verified = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
        assert (verified.returncode, verified.stderr) == (0, "")
        told = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", unit], capture_output=True, text=True, check=False
        )
        (exposure,) = re.findall(r"Overall exposure level for \S+: ([\d.]+)", told.stdout)
        assert float(exposure) <= EXPOSURE_MAX
    for name, value in {
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "CapabilityBoundingSet": "",
        "UMask": "0077",
    }.items():
        assert lines(name) == [value]


async def test_the_container_knows_whether_it_is_healthy(office):
    """Its own probe against a service, and against none."""
    (probe,) = re.findall(r'^\s+"(import http\.client.*)"\]$', CONTAINER, re.MULTILINE)
    async with serving(office) as (_books, door):
        code = probe.replace("8321", str(door.port))
        well = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code], capture_output=True, check=False)
    ill = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code], capture_output=True, check=False)
    assert (well.returncode, ill.returncode != 0) == (0, True)


@pytest.fixture
def office(tmp_path):
    """An installation that nobody has connected, with no sandbox behind it."""
    made = Office(tmp_path)
    made.write()
    made.key()
    return made


def test_the_configuration_may_come_from_variables_and_files(office):
    """As compose hands it over: the database's address and the token as files."""
    secrets = {"store_url": f"sqlite:///{office.folder}/other.db", "connect_token": "x" * 48}
    for name, text in secrets.items():
        (office.folder / name).write_text(text + "\n")
    given = {
        "COUNTERFOIL_STORE__URL_FILE": str(office.folder / "store_url"),
        "COUNTERFOIL_SERVICE__CONNECT_TOKEN_FILE": str(office.folder / "connect_token"),
        "COUNTERFOIL_SERVICE__LISTEN": "0.0.0.0:8321",
    }
    loaded = settings.load(office.folder / "counterfoil.toml", environ=given)
    assert (loaded.store.url, loaded.service.listen) == (secrets["store_url"], "0.0.0.0:8321")
    assert loaded.service.connect_token.reveal() == secrets["connect_token"]
