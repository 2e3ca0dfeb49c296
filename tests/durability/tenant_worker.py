"""What a forked process does with an installation whose bindings change under it: run or finish, and maybe kill itself.

Started by `tenant_histories` through multiprocessing's fork server. It writes how it ended as JSON.
"""

import asyncio
import json
import os
import signal
import traceback
from pathlib import Path
from typing import Any

from counterfoil import errors, open_books
from counterfoil.posting import finishing, rules, sending
from counterfoil.xero import client

PAUSE_S = 0.1  # instead of the seconds that the engine pauses in production


class Trap:
    """Kills this process when the engine passes a point for the nth time."""

    def __init__(self, name: str, nth: int) -> None:
        self.name, self.left = name, nth

    def __call__(self, name: str) -> None:
        """The engine passes a point."""
        self.left -= name == self.name
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def main(folder: Path, trap: tuple[str, int] | None, command: str, out: Path) -> None:
    """Do `command`; → {"report": …} | {"error": code} | {"crash": traceback} in `out`; nothing when it was killed."""
    finishing.POLL_S = finishing.LOOK_AGAIN_S = rules.LOOK_AGAIN_S = client.GET_BACKOFF_S = PAUSE_S

    async def work() -> dict[str, Any]:
        point = Trap(*trap) if trap else sending.no_point
        async with open_books(folder / "counterfoil.toml", point=point) as books:
            report = await (books.run("shop") if command == "run" else books.finish())
            return {"report": report.to_json(), "stops": report.stops}

    try:
        answer = asyncio.run(work())
    except errors.CounterfoilError as error:
        answer = {"error": error.code, "message": str(error)}
    except BaseException:  # noqa: BLE001 - whatever escapes the engine is what the history wants to know
        answer = {"crash": traceback.format_exc()}
    out.write_text(json.dumps(answer))
