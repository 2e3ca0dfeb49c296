"""The three sources of the master key, and what a bad one may not do: hang, flood, or show the key."""

import base64
import os
import stat
import sys
import time
import traceback

import pytest

from counterfoil import errors, settings
from counterfoil.access import key_command, key_file
from counterfoil.access.key_source import CommandSource, FileSource, TextSource
from counterfoil.access.master_key import MasterKey

KEY = bytes(range(32))
TEXT = base64.b64encode(KEY).decode()
OTHER = base64.b64encode(KEY[::-1]).decode()


def program(code):
    """A command that carries out some Python."""
    return (sys.executable, "-c", code)


def refusal(command, **arguments):
    """What is said of a command that gives no key."""
    with pytest.raises(errors.MasterKeyError) as caught:
        key_command.printed(command, **arguments)
    return str(caught.value)


def test_a_command_prints_the_key():
    """As it stands in a file, with a line's end, and without a shell."""
    (found,) = CommandSource(program(f"print({TEXT!r})")).load()
    assert found.reveal() == KEY
    assert key_command.printed(("echo", "$HOME;", "*")) == b"$HOME; *\n"


def test_a_command_gets_none_of_our_secrets(monkeypatch):
    """The app's secret and the like are no business of the program that prints the key; its own variables are."""
    for name in ("XERO__CLIENT_SECRET", "XERO__WEBHOOK_KEY", "VAULT__MASTER_KEY", "STORE__URL"):
        monkeypatch.setenv(f"COUNTERFOIL_{name}", "s3cret")
    monkeypatch.setenv("VAULT_ADDR", "https://vault.example")
    said = key_command.printed(program("import os; print(sorted(os.environ.items()))"))
    assert b"s3cret" not in said
    assert b"https://vault.example" in said


def test_a_command_that_fails():
    """Its exit code is told; what it printed, and on stderr, is not."""
    code = f"import sys; print({TEXT!r}); print({TEXT!r}, file=sys.stderr); sys.exit(3)"
    said = refusal(program(code))
    assert ("exit code 3" in said, TEXT in said) == (True, False)


def test_a_command_s_stderr_is_never_shown(capfd):
    """It might hold the key."""
    CommandSource(program(f"import sys; print({TEXT!r}); print({TEXT!r}, file=sys.stderr)")).load()
    assert capfd.readouterr() == ("", "")


def test_a_command_that_says_too_much():
    """It is ended, not read to its end."""
    said = refusal(program("while True: print('a' * 100_000)"))
    assert "far more than a key" in said


def test_a_command_that_hangs(tmp_path):
    """It is ended in time, and what it started as well."""
    mark = tmp_path / "pid"
    child = f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    code = f"import subprocess, sys, time, os; subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(600)"
    assert "takes too long" in refusal(program(code), timeout_s=2.0)
    if mark.exists():
        assert is_gone(int(mark.read_text()))


def is_gone(pid):
    """Whether a process ended, within a second or so."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123 - a special file
            if file.read().split()[2] == "Z":
                return True
        time.sleep(0.01)
    return False


def test_a_command_that_does_not_exist():
    """Its name is told, not its arguments."""
    said = refusal(("/no/such/program", "s3cret-argument"))
    assert ("No such file" in said, "program" in said, "s3cret" in said) == (True, True, False)


def test_two_keys():
    """During a rotation a source holds two, the one that seals from now on first; three, or one twice, are refused."""
    assert [key.reveal() for key in TextSource(f"{OTHER} {TEXT}").load()] == [KEY[::-1], KEY]
    for text, said in ((f"{TEXT}\n{TEXT}", "twice"), (f"{TEXT} {OTHER} {TEXT}", "3 master keys")):
        with pytest.raises(errors.MasterKeyError, match=said):
            TextSource(text).load()


def test_a_key_file_is_replaced_whole(tmp_path):
    """Links are followed, the mode stays, and what a killed process left beside it is no hindrance."""
    path, link = tmp_path / "real.key", tmp_path / "link.key"
    key_file.new(path)
    link.symlink_to(path)
    (tmp_path / ".real.key.new").write_text("left behind")
    key_file.replace(link, (MasterKey(KEY),), lambda _name: None)
    assert (link.is_symlink(), stat.S_IMODE(path.stat().st_mode), FileSource(link).load()[0].reveal()) == (
        True,
        0o600,
        KEY,
    )
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link.key", "real.key"]


def test_links_that_lead_in_a_circle(tmp_path):
    """Neither reading nor changing such a key file crashes: it cannot be read."""
    path = tmp_path / "counterfoil.key"
    path.symlink_to(path)
    for work in (lambda: key_file.read(path), lambda: key_file.replace(path, (), lambda _name: None)):
        with key_file.locked(path), pytest.raises(errors.MasterKeyError, match="symbolic links"):
            work()


def test_no_key_in_a_traceback(tmp_path):
    """Whatever goes wrong with a source, no frame's locals show a key: for whoever logs tracebacks with them."""
    path = tmp_path / "key"
    path.write_text(f"{TEXT}AAAA\n")
    path.chmod(0o600)
    short = base64.b64encode(KEY[:31]).decode()
    bad = [
        FileSource(path), TextSource(short), TextSource(f"{TEXT} {OTHER} {TEXT}"), TextSource(f"{TEXT} {TEXT}"), TextSource(f"{TEXT}!"),
        CommandSource(("cat", str(path))), CommandSource(("sh", "-c", f"cat {path}; exit 1")),
    ]  # fmt: skip
    for source in bad:
        with pytest.raises(errors.MasterKeyError) as caught:
            source.load()
        ours = caught.value.with_traceback(caught.tb.tb_next)  # without this test's own frame
        frames = "".join(traceback.TracebackException.from_exception(ours, capture_locals=True).format())
        for hidden in (TEXT[:20], OTHER[:20], repr(KEY[:12])[2:-1], short[:20]):
            assert hidden not in frames


CONFIGURATION = '[xero]\nclient_id = "abc"\n'


def load(tmp_path, text="", environ=None, overlay=None):
    (tmp_path / "c.toml").write_text(CONFIGURATION + text)
    if overlay is not None:
        (tmp_path / "c.staging.toml").write_text(overlay)
    return settings.load(tmp_path / "c.toml", "staging" if overlay is not None else None, environ or {}).vault


def test_the_sources_of_a_configuration(tmp_path):
    """Nothing said: the file beside it. A variable, or an overlay, stands for what the file names."""
    assert load(tmp_path).master_key_file == tmp_path / "counterfoil.key"
    asked = load(tmp_path, '[vault]\nmaster_key_command = ["pass", "show", "x"]\n')
    assert (asked.master_key_command, asked.master_key_file) == (("pass", "show", "x"), None)
    given = load(tmp_path, '[vault]\nmaster_key_command = ["pass"]\n', {"COUNTERFOIL_VAULT__MASTER_KEY": TEXT})
    assert (given.master_key.reveal(), given.master_key_command, given.master_key_file) == (TEXT, (), None)
    laid = load(tmp_path, '[vault]\nmaster_key_file = "k"\n', overlay='[vault]\nmaster_key_command = ["pass"]\n')
    assert (laid.master_key_command, laid.master_key_file) == (("pass",), None)


@pytest.mark.parametrize(
    ("text", "environ", "said"),
    [
        ('[vault]\nmaster_key_file = "k"\nmaster_key_command = ["pass"]\n', {}, "c.toml:4 and c.toml:5: [vault] has `master_key_file` and"),
        ('[vault]\nmaster_key = "k"\nmaster_key_command = ["pass"]\n', {}, "c.toml:4 and c.toml:5: [vault] has `master_key` and"),
        ("", {"COUNTERFOIL_VAULT__MASTER_KEY": "k", "COUNTERFOIL_VAULT__MASTER_KEY_COMMAND": "pass,show"}, "the variable COUNTERFOIL_VAULT__MASTER_KEY and"),
        ("[vault]\nmaster_key_command = []\n", {}, "c.toml:4: [vault] `master_key_command` names no program"),
    ],
)  # fmt: skip
def test_two_sources(tmp_path, text, environ, said):
    """From which source the key came must never be a guess."""
    with pytest.raises(errors.ConfigurationError) as caught:
        load(tmp_path, text, environ)
    assert any(problem.startswith(said) for problem in caught.value.problems), caught.value.problems
