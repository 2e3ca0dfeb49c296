"""A message to a command: a program of the user's with its arguments, the message as JSON on its stdin.

Called by notifying. No shell; its environment is a handful of variables, so that no secret of ours is in it; its output
is not read; when its time is over, it and its children are killed.
"""

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import Final

from counterfoil.delivery import message as messages
from counterfoil.delivery.message import Message
from counterfoil.delivery.outcome import NotDelivered
from counterfoil.settings import Target

PASSED_ON: Final = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")


async def send(target: Target, message: Message, *, folder: Path, within_s: float) -> None:
    """Start it in `folder`, hand the message over, wait for its end. Raises NotDelivered unless it ends with 0 in time."""
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    try:
        process = await asyncio.create_subprocess_exec(
            *target.command, cwd=folder, env=environment, start_new_session=True, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise NotDelivered(f"it cannot be started: {reason}") from None
    try:
        async with asyncio.timeout(within_s):
            await process.communicate(messages.encoded(message))
    except TimeoutError:
        raise NotDelivered(f"it was not done within {within_s:.0f} s", may_have_arrived=True) from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if process.returncode != 0:
        raise NotDelivered(f"it ended with exit code {process.returncode}", target_is_down=False)
