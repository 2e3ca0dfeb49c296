"""The command line (design §5.2): one file per command, each imported only when it is typed.

Called by the installed script and `python -m counterfoil`. May import app and what lies below it, and is the only part
of the product (beside testing) that starts the sandbox; never the HTTP library or a database driver. Beside the commands:
entry (arguments in, exit code out), catalogue (which commands exist), session (opens the books for a command), screen,
table and progress (what is shown), endings (errors as messages), sample/ and show/ (the demo's day and its course).
"""


def main() -> int:
    """Carry out the command line of this process; → its exit code."""
    import sys

    from counterfoil.cli import entry

    return entry.main(sys.argv[1:])
