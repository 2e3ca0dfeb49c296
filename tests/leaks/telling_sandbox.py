"""The sandbox as it is, but every token that it issues is written to the file that TOLD_TOKENS names, one a line.

Started by tests/sandbox_process, so that a test knows the secrets that must not turn up anywhere. Runs as a script with
`python -P`: its own folder is not searched for modules.
"""

import os
import sys
from typing import Any

from counterfoil.sandbox import server
from counterfoil.sandbox.identity import token

SECRET_KEYS = ("access_token", "refresh_token", "id_token")
_answer = token._tokens


def _told(body: dict[str, Any]) -> Any:
    lines = "".join(f"{body[key]}\n" for key in SECRET_KEYS if key in body)
    handle = os.open(os.environ["TOLD_TOKENS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, lines.encode())  # one write: many sandboxes append
    finally:
        os.close(handle)
    return _answer(body)


if __name__ == "__main__":
    token._tokens = _told
    sys.exit(server.run(sys.argv[1:]))
