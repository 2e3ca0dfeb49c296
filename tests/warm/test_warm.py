"""A forked process is a whole one: its words, folder, variables, files, children's rules and end are those of `python`."""

import os
import signal
import subprocess

import pytest

from tests import warm
from tests.warm.nursery import UNWRITTEN

TOLD = "import os, sys; print(os.getcwd(), os.environ.get('COLOUR'), *sys.argv[1:]); print('bad', file=sys.stderr)"
ENDS = {  # what is ignored by who starts us is ignored by both kinds of processes: a script's `&` does that
    "import sys; sys.exit(7)": 7,
    "import sys; sys.exit('no')": 1,
    "1 / 0": 1,
    "import os; os.kill(os.getpid(), 9)": -9,
    "import os, signal as s, time; s.signal(2, s.default_int_handler); os.kill(os.getpid(), 2); time.sleep(60)": -2,
    "import os, signal as s, time; s.signal(15, s.SIG_DFL); os.kill(os.getpid(), 15); time.sleep(60)": -15,
    "import threading; threading.Thread(target=lambda: print('after all')).start()": 0,
    "import atexit; atexit.register(print, 'at the end')": 0,
    "import os; os.close(1)": 0,
    "print('x'); import os; os.close(1)": UNWRITTEN,
}


@pytest.fixture
def script(tmp_path):
    """A script of these lines; → its path."""

    def write(text):
        path = tmp_path / "script.py"
        path.write_text(text)
        return str(path)

    return write


def test_words_folder_variables_and_files_are_as_asked_for(script, tmp_path):
    """What it says arrives on the files that it was given, and it stands where it should."""
    options = {"cwd": tmp_path, "env": {**os.environ, "COLOUR": "grün"}, "text": True}
    process = warm.start("-P", script(TOLD), "a", "b c", stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    assert isinstance(process, warm.Process)
    assert process.communicate(timeout=60) == (f"{tmp_path} grün a b c\n", "bad\n")


@pytest.mark.parametrize("text", ENDS)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_it_ends_as_a_process_that_python_started(script, text, unbuffered):
    """The exit code, or the signal, and every word said by then."""
    ended = []
    env = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    for start in (warm.start, warm.cold):
        process = start("-P", script(text), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
        out, err = process.communicate(timeout=60)
        ended.append((process.returncode, out, err.splitlines()[-1:]))
    assert ended[0] == ended[1]
    assert ended[0][0] == (0 if unbuffered and ENDS[text] == UNWRITTEN else ENDS[text])


def test_it_is_a_child_of_whoever_asked(script):
    """It can be waited for, stopped and killed, and its parent is this process, not the one that it was forked from."""
    text = "import os, sys, time; print(os.getppid(), flush=True); time.sleep(60)"
    process = warm.start("-P", script(text), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == f"{os.getpid()}\n"
    assert process.poll() is None
    process.kill()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL


def test_an_interpreter_that_would_begin_otherwise_is_started_from_nothing(script):
    """Variables that are read when an interpreter begins have their effect."""
    text = "import sys; print(sys.stdout.encoding, sys.flags.optimize)"
    env = {**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONOPTIMIZE": "1"}
    process = warm.start("-P", script(text), stdout=subprocess.PIPE, text=True, env=env)
    assert not isinstance(process, warm.Process)
    assert process.communicate(timeout=60)[0] == "iso8859-1 1\n"
