"""One process that wants a fresh token: `refresher.py DB READY GRANT OWNER LEASE_S`, then a line per order on stdin.

Each order is a rejected token, or an empty line for none; each answer is a JSON line with the token or the error.
"""

import asyncio
import json
import sys
import types

from counterfoil import errors
from tests.access.conftest import Installation


async def main(path, ready, grant_id, owner, lease_s):
    """Serve orders until stdin ends."""
    sandbox = types.SimpleNamespace(ready=json.loads(ready), url=json.loads(ready)["url"])
    async with Installation(path, sandbox, owner=owner, lease_s=float(lease_s)) as here:
        print(json.dumps("ready"), flush=True)  # noqa: T201 - the protocol with the test
        while order := await asyncio.to_thread(sys.stdin.readline):
            try:
                said = {"token": await here.tokens.access_token(grant_id, rejected=order.strip() or None)}
            except errors.CounterfoilError as problem:
                said = {"error": problem.code}
            print(json.dumps(said), flush=True)  # noqa: T201 - the protocol with the test


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
