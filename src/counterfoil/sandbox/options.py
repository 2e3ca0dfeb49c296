"""The sandbox's switches, declared once: the command line of `python -m counterfoil.sandbox` is made from them.

Called by `__main__`, by `counterfoil sandbox` (which builds `Options` itself) and read everywhere. Besides the options
of the contract there is one switch for each thing about Xero that could not be established (facts 11): its help says
what the default assumes.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

DEFAULT_PORT = 8320
TIERS = ("exempt", "starter", "core", "plus", "advanced", "enterprise")
BROAD_SCOPES_END = date(2027, 9, 13)
ORGANISATIONS = 4
ORGANISATIONS_MAX = 500
HISTORY_MONTHS_MAX = 120
HISTORY_DOCUMENTS = 50
HISTORY_DOCUMENTS_MAX = 10_000
HIGH_VOLUME_ROWS = 100_000


_ABOUT = """\
A Xero on this machine: OAuth 2.0, the Accounting API with its limits and errors, webhooks, and faults on request.
Nothing leaves this machine but webhooks, to the address that you give. It prints one JSON line when it is ready (URLs, client ids, organisations) and serves until
Ctrl-C. Open its URL in a browser to watch what happens."""
_EXAMPLES = """\
examples:
  {prog} --auto-consent                     every app is let in at once
  {prog} --state xero.jsonl                 what was written is there again next time
  {prog} --tier starter --auto-consent      1,000 calls a day, one organisation per consent
  {prog} --webhook-url http://127.0.0.1:8321/webhooks/xero
  curl -s http://127.0.0.1:8320/_sandbox/clock -d '{{"advance_s": 1800}}'
  curl -s http://127.0.0.1:8320/_sandbox/faults -d '{{"fault": "lost_answer", "method": "PUT"}}'

All controls, faults and how to point an SDK or your tests at it: docs/howto/sandbox.md"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How this sandbox behaves. Seconds are real seconds, moved forward by `POST /_sandbox/clock`."""

    port: int = DEFAULT_PORT
    seed: int | None = None  # None: 1, or what the state file was made with
    state: Path | None = None
    organisations: int = ORGANISATIONS
    organisation_files: tuple[Path, ...] = ()
    history: int = 0
    history_documents: int = HISTORY_DOCUMENTS
    tier: str = "exempt"
    no_limits: bool = False
    minute_window_s: float = 60.0
    access_token_ttl_s: float = 1800.0
    idempotency_ttl_s: float = 360.0
    auto_consent: bool = False
    one_per_consent: bool = False
    broad_scopes: bool = False
    broad_scopes_end: date = BROAD_SCOPES_END
    rolling_limits: bool = False
    modified_since_exclusive: bool = False
    summarize_keeps_good: bool = False
    idempotency_concurrent: str = "process"
    invalid_scope: str = "page"
    full_cap: str = "page"
    reconciled_payments_go: bool = False
    high_volume_rows: int = HIGH_VOLUME_ROWS
    webhook_url: str | None = None
    silent_payments: bool = False
    lenient_webhooks: bool = False
    gzip: bool = False


def parse(arguments: Sequence[str], prog: str = "python -m counterfoil.sandbox") -> Options:
    """Options from a command line; an unknown one or a bad value ends the process with exit code 2, as argparse does.

    `prog` is what the usage line calls the program.
    """
    parser = argparse.ArgumentParser(
        prog=prog,
        usage=f"{prog} [OPTIONS]",
        description=_ABOUT,
        epilog=_EXAMPLES.format(prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument_group("where and what").add_argument
    add("--port", type=_port, default=DEFAULT_PORT, help="default 8320; 0 picks a free one")
    add("--seed", type=int, help="the same seed gives the same organisations and ids")
    add("--state", type=Path, metavar="FILE", help="keep everything in this file, also through kill -9")
    add(
        "--organisations",
        type=_organisations,
        metavar="N",
        help=f"how many (default {ORGANISATIONS}): British, Australian, Dutch, New Zealand, and again; those of "
        "--organisation-file come first and are counted; with files: these alone",
    )
    add(
        "--organisation-file",
        type=Path,
        action="append",
        default=[],
        dest="organisation_files",
        metavar="FILE",
        help="the next organisation is yours: its chart, taxes, tracking, contacts and locks, as `counterfoil entities "
        "export` writes them; may be given several times",
    )
    add(
        "--history",
        type=_months,
        default=0,
        metavar="MONTHS",
        help="each organisation starts with a plausible past of so many whole months before this one: customers who pay "
        "late or partly, bills, bank lines, transfers, foreign documents, credit notes, journals (default 0: empty)",
    )
    add(
        "--history-documents",
        type=_documents,
        default=HISTORY_DOCUMENTS,
        metavar="N",
        help=f"about how many documents, payments among them, each month of --history has (default {HISTORY_DOCUMENTS})",
    )
    add = parser.add_argument_group("limits and lives").add_argument
    add(
        "--tier",
        choices=TIERS,
        default="exempt",
        help="the apps' tier with all that follows: calls a day, connections, one organisation per consent below advanced; "
        "exempt (default): 5,000 calls a day and nothing else, as for an app made for one client",
    )
    add("--no-limits", action="store_true", help="no rate limits and no limit headers")
    add("--minute-window-s", type=_seconds, default=60.0, metavar="S", help="how long a minute is (default 60)")
    add(
        "--access-token-ttl-s",
        type=_seconds,
        default=1800.0,
        metavar="S",
        help="life of an access token (default 1800)",
    )
    add(
        "--idempotency-ttl-s",
        type=_seconds,
        default=360.0,
        metavar="S",
        help="life of an idempotency key (default 360)",
    )
    add = parser.add_argument_group("apps and webhooks").add_argument
    add("--auto-consent", action="store_true", help="grant all organisations at once, without a page")
    add("--one-per-consent", action="store_true", help="one organisation per consent, as without Bulk Connections")
    add("--broad-scopes", action="store_true", help="apps made before 2 March 2026: the old broad scopes work too")
    add(
        "--webhook-url",
        metavar="URL",
        help="send the default apps' CONTACT and INVOICE events there, signed with the ready line's webhook_key",
    )
    add = parser.add_argument_group(
        "what could not be established about Xero",
        "Each switch plays the other reading; the default is the safer one. All of them, and more: GET /_sandbox/unknowns.",
    ).add_argument
    add(
        "--broad-scopes-end",
        type=date.fromisoformat,
        default=BROAD_SCOPES_END,
        metavar="DATE",
        help="the day from which broad scopes are dead (default 2027-09-13; Xero's own pages disagree)",
    )
    add("--rolling-limits", action="store_true", help="limit windows roll; default: fixed, with an offset per tenant")
    add(
        "--modified-since-exclusive",
        action="store_true",
        help="If-Modified-Since leaves out its own second; default: included",
    )
    add(
        "--summarize-keeps-good",
        action="store_true",
        help="a refused batch with summarizeErrors=true keeps its good elements; default: nothing is saved",
    )
    add(
        "--idempotency-concurrent",
        choices=("process", "wait", "refuse"),
        default="process",
        help="a second request with a key whose first still runs: processed as if there were no key (the default, the "
        "least a client may count on), made to wait for the first's answer, or refused with 400",
    )
    add(
        "--invalid-scope",
        choices=("page", "redirect"),
        default="page",
        help="an unknown scope shows an error page (default) or is sent back to redirect_uri",
    )
    add(
        "--full-cap",
        choices=("page", "redirect"),
        default="page",
        help="a consent beyond a cap on connections shows an error page (default) or is sent back as access_denied",
    )
    add(
        "--reconciled-payments-go",
        action="store_true",
        help="a reconciled payment can be deleted through the API; default: refused",
    )
    add(
        "--high-volume-rows",
        type=_rows,
        default=HIGH_VOLUME_ROWS,
        metavar="N",
        help="lists of more rows must be paged, and filtered and ordered by optimised fields (default 100000)",
    )
    add(
        "--silent-payments",
        action="store_true",
        help="paying or crediting a document sends no event of that document; default: an UPDATE",
    )
    add(
        "--lenient-webhooks",
        action="store_true",
        help="an answer to a webhook may have a body and cookies; default: it fails, as Xero's pages say",
    )
    add("--gzip", action="store_true", help="compress answers for clients that accept it")
    given = vars(parser.parse_args(arguments))
    files = tuple(given.pop("organisation_files"))
    asked = given.pop("organisations") or len(files) or ORGANISATIONS
    return Options(**given, organisation_files=files, organisations=max(asked, len(files)))


def _port(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 65_535:
        raise argparse.ArgumentTypeError("must be between 0 and 65535")
    return value


def _organisations(text: str) -> int:
    value = int(text)
    if not 1 <= value <= ORGANISATIONS_MAX:
        raise argparse.ArgumentTypeError(f"must be between 1 and {ORGANISATIONS_MAX}")
    return value


def _months(text: str) -> int:
    value = int(text)
    if not 0 <= value <= HISTORY_MONTHS_MAX:
        raise argparse.ArgumentTypeError(f"must be between 0 and {HISTORY_MONTHS_MAX}")
    return value


def _documents(text: str) -> int:
    value = int(text)
    if not 1 <= value <= HISTORY_DOCUMENTS_MAX:
        raise argparse.ArgumentTypeError(f"must be between 1 and {HISTORY_DOCUMENTS_MAX}")
    return value


def _rows(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError("must be a positive number of seconds")
    return value
