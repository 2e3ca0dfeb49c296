"""Which commands exist: name, usage and one line of help each, in the order in which a newcomer needs them.

Called by entry (help page, dispatch) and by the test that holds docs/commands.md to it. Imports nothing, so that the
help page costs no more than starting Python. The command NAME is the Typer app `app` in `counterfoil.cli.NAME`, or
in the module that `module` names.
"""

from typing import Final, NamedTuple


class Command(NamedTuple):
    """One command. `module` is its file in cli/."""

    name: str
    usage: str
    help: str
    module: str


def _command(name: str, usage: str, help_line: str, module: str = "") -> Command:
    return Command(name, usage, help_line, module or name)


COMMANDS: Final = (
    _command("init", "[DIR]", "A commented configuration for the sandbox, a master key and sample data."),
    _command("demo", "[--once]", "A shop's day posted into three organisations, faults and a kill included."),
    _command("sandbox", "[OPTIONS]", "A Xero on this machine."),
    _command("connect", "[--no-browser]", "Ask a Xero user to let this app into their organisations."),
    _command("connections", "[list|disconnect]", "The organisations that the app may reach."),
    _command("entities", "[list|bind|unbind|verify|export]", "Which of your companies is which organisation."),
    _command("flow", "[new|test]", "Draft a flow from a sample, and try it without a connection."),
    _command("estimate", "FILE…", "What files would cost at Xero: calls, hours, data and tier, before any connection."),
    _command("plan", "FLOW", "What a run would do, record by record; writes nothing to Xero."),
    _command("run", "FLOW", "Finish what is open, plan, post, prove; safe to interrupt and repeat."),
    _command("finish", "", "Bring every open posting to its end."),
    _command("serve", "[--dry-run]", "The service: schedules, postings, consents, notices; until it is stopped."),
    _command("worker", "", "One more process that shares the service's work, on Postgres."),
    _command("problems", "[list|show|fix|retry|skip]", "What needs a person, by cause, most money first."),
    _command("contacts", "match FLOW", "Who of your customers is who in Xero: a file to look through and give back."),
    _command("postings", "[list|show]", "What was posted, or is to be."),
    _command("why", "CLUE", "The whole story of a number, an id or a pasted link."),
    _command("runs", "", "The runs so far and how they ended."),
    _command("undo", "RUN", "Take a run back: plans first, then deletes drafts and voids what is unpaid."),
    _command("prove", "FLOW", "Source, postings and Xero side by side, to the cent."),
    _command("sync", "[ENTITY] [RESOURCE]", "Bring the copy of each ledger up to date; --full reads all of it again."),
    _command("receivables", "[ENTITY]", "Who owes what and since when, from the copy; no call."),
    _command("payables", "[ENTITY]", "Whom your companies owe what and since when, from the copy; no call."),
    _command("cash", "[ENTITY]", "What bank accounts hold, and what is to come in and go out; no call."),
    _command("status", "", "Where things stand, and what to type next."),
    _command("audit", "[list|verify|export]", "Who did what, and the proof that nothing of it was changed."),
    _command(
        "privacy",
        "[export|erase] CONTACT",
        "One person's data: all of it in one file, or gone for good from here and from backups.",
    ),
    _command("purge", "ENTITY", "The copy of an entity's ledger goes; what was posted is never posted twice."),
    _command("pause", "--because TEXT", "The stop switch: no write to Xero starts, of all, an entity or a flow."),
    _command("resume", "", "End a pause."),
    _command("doctor", "[--bundle FILE]", "What could go wrong before it does, and what to do about it."),
    _command(
        "webhooks", "check [URL]", "Play Xero against your address: would its webhooks arrive, and what is wrong?"
    ),
    _command(
        "feeds",
        "[list|show|try|fill|dead|…]",
        "Who is handed changes, how each stands, what failed; today's documents.",
    ),
    _command("notify", "[list|test]", "Whom [[notify]] tells of what, what was sent, and a test of it."),
    _command("backup", "[FILE]", "A whole copy of the database in one file, while others work."),
    _command("restore", "FILE", "Put a backup back; what Xero has meanwhile is recognised, not made again."),
    _command("upgrade", "", "Bring the database to this version's schema; on SQLite that happens by itself."),
    _command("keys", "[show|rotate|replace]", "The master key of the stored consents: change it while others work."),
    _command(
        "api-keys",
        "[create|list|revoke]",
        "Who may ask over HTTP: keys with rights, for some entities or all.",
        "api_keys",
    ),
    _command(
        "config", "[check|show|environment|adopt-copy]", "The configuration and its environments; a copied database."
    ),
)
BY_NAME: Final = {command.name: command for command in COMMANDS}

GLOBAL_HELP: Final = """\
Options, before or after the command:
  --config FILE   The configuration [default: counterfoil.toml]
  --env NAME      Lay counterfoil.NAME.toml over it
  --json          Exactly one JSON value on stdout; progress and logs on stderr
  --version       The version
  --help          This page, or a command's own
"""
EXIT_HELP: Final = """\
Exit codes: 0 done; 1 needs a person; 2 usage or configuration; 3 no consent or binding;
            4 work is left, run again; 130 interrupted, safe to repeat
"""


def help_page() -> str:
    """The page of `counterfoil --help`."""
    width = max(len(command.name) for command in COMMANDS)
    lines = "\n".join(f"  {command.name:<{width}}  {command.help}" for command in COMMANDS)
    head = "Usage: counterfoil [OPTIONS] COMMAND [ARGS]…\n\nYour records become Xero documents, each exactly once.\n"
    return f"{head}\nCommands:\n{lines}\n\n{GLOBAL_HELP}\n{EXIT_HELP}"
