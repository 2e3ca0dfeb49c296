"""`counterfoil sandbox [OPTIONS]`: a Xero on this machine. Its options belong to the sandbox's own parser.

Prints one JSON line when it is ready and serves until it is ended; an option that does not exist is exit 2.
"""

from collections.abc import Sequence

from counterfoil import errors


def pass_through(words: Sequence[str]) -> int:
    """Serve until SIGTERM or Ctrl-C. Raises InputError when it cannot start; ends with 2 on a wrong option."""
    from counterfoil.sandbox import options, server

    chosen = options.parse(words, "counterfoil sandbox")
    try:
        server.serve(chosen)
    except server.CANNOT_START as cause:
        remedy = "Choose another --port (0: any free one), --state or --organisation-file."
        raise errors.InputError(f"The sandbox cannot start: {str(cause).rstrip('.')}.", remedy=remedy) from cause
    return 0
