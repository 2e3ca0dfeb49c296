"""Xero's own judge: processes that call as fast as they may, killed, suspended and with clocks that jump, are never refused.

The sandbox has a minute of four seconds, fixed or rolling, and is slow at times; its request log says what came when and what it
answered. The processes share one file.
"""

import os
import random
import signal
import time
from collections import Counter

import pytest

from tests import sandbox_process, warm
from tests.xero import sandbox_caller

SOAK = bool(os.environ.get("SOAK"))
PROCESSES = 4 if SOAK else 3
MINUTES = 40 if SOAK else 3
PATIENCE_S = 90.0


@pytest.mark.parametrize("windows", [(), ("--rolling-limits",)], ids=["fixed", "rolling"])
def test_nobody_is_refused(tmp_path, windows):
    """0 × 429 in the sandbox's log, over several of its minutes, while processes are killed, suspended and misled about the time."""
    dice = random.Random(len(windows))
    minute_s = str(sandbox_caller.MINUTE_S)
    with sandbox_process.start(
        "--auto-consent", "--organisations", "2", "--minute-window-s", minute_s, *windows
    ) as xero:
        xero.fault("slow", count=100_000, probability=0.2, delay_s=0.3, path="/api.xro")
        token = xero.connect()["access_token"]
        tenants = [xero.tenant(1), xero.tenant(2)]
        running = [start(tmp_path, xero, token, tenants, n) for n in range(PROCESSES)]
        wanted, ends = MINUTES * 2 * 50, time.monotonic() + PATIENCE_S * (8 if SOAK else 1)
        try:
            while len(calls(xero)) < wanted and time.monotonic() < ends:
                time.sleep(dice.uniform(0.3, 0.9))
                victim = dice.randrange(PROCESSES)
                if dice.random() < 0.7:
                    running[victim].send_signal(signal.SIGSTOP)
                    time.sleep(dice.uniform(0.05, 1.0))
                    running[victim].send_signal(signal.SIGCONT)
                else:
                    running[victim].kill()
                    running[victim].wait()
                    running[victim] = start(tmp_path, xero, token, tenants, dice.randrange(1_000))
        finally:
            for process in running:
                process.kill()
                process.wait()
        answered = Counter(row["status"] for row in calls(xero))
    assert answered[429] == 0, answered
    assert answered[200] >= wanted * 0.8, "it was slow, and not stuck"


def start(folder, xero, token, tenants, seed):
    """One more process."""
    words = [
        "-m",
        "tests.xero.sandbox_caller",
        str(folder / "limits"),
        xero.url,
        token,
        str(seed),
        *tenants,
    ]
    return warm.start(*words, cwd=warm.ROOT)


def calls(xero):
    """What came to the API."""
    return [row for row in xero.requests() if row["path"].startswith("/api.xro")]
