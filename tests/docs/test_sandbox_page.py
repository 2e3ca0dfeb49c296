"""docs/howto/sandbox.md names every option, control and fault of the sandbox, and its commands work."""

import ast
import inspect
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from counterfoil.sandbox import control, faults, options, unknowns
from tests import sandbox_process
from tests.sandbox_process import SandboxProcess

PAGE = (Path(__file__).parents[2] / "docs" / "howto" / "sandbox.md").read_text(encoding="utf-8")
ORIGIN = "http://127.0.0.1:8320"
COMMANDS = re.findall(rf"^curl .*{ORIGIN}/_sandbox/.*$", PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with sandbox_process.start("--auto-consent") as process:
        yield process


def constants(function) -> set[str]:
    """Every text in a function's source."""
    tree = ast.parse(inspect.getsource(function))
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_option_is_on_the_page():
    """The tables of options are the command line's own."""
    declared = {text for text in constants(options.parse) if text.startswith("--")}
    assert declared == set(re.findall(r"^\| `(--[a-z-]+)` \|", PAGE, re.MULTILINE))


def test_every_default_is_the_right_one():
    """Numbers in the column of defaults are those of Options."""
    defaults = options.Options()
    for name, shown in re.findall(r"^\| `--([a-z-]+)` \| (\d+) \|", PAGE, re.MULTILINE):
        actual = getattr(defaults, name.replace("-", "_"))
        assert float(shown) == (1 if actual is None else actual), name


def test_every_fault_is_on_the_page():
    """The tables of faults are what can be registered."""
    told = PAGE.split("## Faults")[1]
    assert set(faults.KNOWN) == set(re.findall(r"^\| `([a-z0-9_]+)` \|", told, re.MULTILINE))


def test_every_switch_for_the_unknown_is_on_the_page():
    """With its readings, the safer one first and in bold."""
    told = dict(re.findall(r"^\| `([a-z0-9-]+)` \| (\*\*.*?) \|", PAGE, re.MULTILINE))
    assert {unknown.name: [f"**{unknown.safer}**", *list(unknown.choices)[1:]] for unknown in unknowns.ALL} == {
        name: readings.split(", ") for name, readings in told.items()
    }


def test_every_control_is_on_the_page():
    """Each route under /_sandbox/ has its paragraph."""
    tree = ast.parse(inspect.getsource(control))
    routes = {
        (node.elts[0].value, node.elts[1].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Tuple)
        and len(node.elts) == 3
        and all(isinstance(part, ast.Constant) for part in node.elts[:2])
        and str(node.elts[1].value).startswith("/_sandbox/")
    }
    told = set(re.findall(r"^`(GET|POST|DELETE) (/_sandbox/[^`]+)`", PAGE, re.MULTILINE))
    assert {route for route in routes if route[0] != "*"} == told


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_of_the_page_work(sandbox, command):
    """Each control command, typed as it stands, is answered with 200."""
    words = shlex.split(command)
    url = next(word for word in words if word.startswith(ORIGIN))
    body = words[words.index("-d") + 1].encode() if "-d" in words else None
    method = words[words.index("-X") + 1] if "-X" in words else "POST" if body else "GET"
    reply = sandbox.request(method, url.removeprefix(ORIGIN), body)
    assert reply.status == 200, reply.body


def test_the_ids_of_the_page_are_those_of_the_sandbox(sandbox):
    """Client id, secret and the first tenant are what a fresh sandbox says."""
    assert sandbox.ready["client_id"] in PAGE
    assert sandbox.ready["client_secret"] in PAGE
    assert sandbox.tenant(1) in PAGE


def test_webhooks_are_sent_to_the_door_that_serve_has():
    """The address of ours in the sandbox's help and on its page is the one at which `serve` takes them."""
    shown = re.findall(r"http://127\.0\.0\.1:8321(/webhooks[^\s\"'`]*)", inspect.getsource(options) + PAGE)
    assert shown
    assert set(shown) == {"/webhooks/xero"}
