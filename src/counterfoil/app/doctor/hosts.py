"""Checks of Xero's hosts: that they belong together, can be reached, are who they should be, and what time they have.

Called by doctor. Facts §1.1 (the three hosts), §1.3 (redirect URIs: exact, https, or http://localhost but not 127.0.0.1).
"""

import datetime
import email.utils
import urllib.parse
from typing import Any, Final

import msgspec

from counterfoil import errors
from counterfoil.access import callback
from counterfoil.app.doctor.finding import Finding, ok, problem, warning
from counterfoil.app.doctor.patient import HostAnswer, Patient

XEROS: Final = {"login_url": "login.xero.com", "identity_url": "identity.xero.com", "api_url": "api.xero.com"}
SAME_HOST: Final = {"127.0.0.1": "localhost", "::1": "localhost"}
SKEW_WARNING_S: Final = 30
SKEW_PROBLEM_S: Final = 300
NTP: Final = "Set this machine's clock, and let it be kept (NTP)."
NETWORK: Final = (
    "Look at this machine's network, its name servers and its firewall; Xero's own state: https://status.xero.com."
)
SANDBOX: Final = "Start it: `counterfoil sandbox`; or put Xero's addresses into [xero]."
URLS: Final = "Correct the addresses under [xero]; those of Xero itself are the defaults."


async def addresses(patient: Patient) -> list[Finding]:
    """The three addresses are Xero's, each in its place, or all another's; nothing secret goes over plain http."""
    xero = patient.loaded.xero
    urls = {name: urllib.parse.urlsplit(getattr(xero, name)) for name in XEROS}
    real = {name: (parts.hostname or "").endswith(".xero.com") for name, parts in urls.items()}
    found = []
    if any(real.values()) and not all(real.values()):
        there = ", ".join(name for name, is_real in real.items() if is_real)
        others = ", ".join(name for name, is_real in real.items() if not is_real)
        found.append(
            problem(
                "addresses",
                "mixed",
                f"{there} is at Xero, {others} is not: a sandbox and real books are mixed up.",
                URLS,
            )
        )
    for name, parts in urls.items():
        if all(real.values()) and parts.hostname != XEROS[name]:
            found.append(
                problem(
                    "addresses", "swapped", f"{name} is {parts.hostname}; Xero's is {XEROS[name]}.", URLS, subject=name
                )
            )
        if parts.scheme == "http" and not _is_here(parts.hostname):
            found.append(
                problem(
                    "addresses",
                    "http",
                    f"{name} is not encrypted, and tokens would go over it.",
                    "Write https://.",
                    subject=name,
                )
            )
    what = "Xero itself" if all(real.values()) else "a sandbox"
    return found or [ok("addresses", f"The three addresses belong together: {what}.", live=all(real.values()))]


async def reachable(patient: Patient) -> list[Finding]:
    """Each host answers, and the identity server says that it is the one that we ask and that the others belong to it."""
    found: list[Finding] = []
    silent: dict[tuple[str, str, int | None], str] = {}  # one finding for a host, however many of the three it is
    for name, host in patient.hosts.items():
        if host.error is not None:
            silent.setdefault(_origin(host.url), host.error.message)
        elif host.answer is not None and host.answer.status >= 500:
            told = f"{host.url} answered {host.answer.status}."
            state = "Xero's own state: https://status.xero.com."
            found.append(warning("hosts", "ill", told, state, subject=name, status=host.answer.status))
    remedy = NETWORK if patient.loaded.xero.is_live else SANDBOX
    found += [problem("hosts", "silent", told, remedy, subject=origin[1]) for origin, told in silent.items()]
    found += _claims(patient)
    return found or [ok("hosts", "All three hosts answer, and are who they should be.")]


def _claims(patient: Patient) -> list[Finding]:
    """What the identity server's discovery document says, beside the configuration."""
    host = patient.hosts.get("identity_url")
    if host is None or host.answer is None or host.answer.status != 200:
        return []
    said = _object(host.answer.body)
    xero = patient.loaded.xero
    claims = {
        "issuer": xero.identity_url,
        "token_endpoint": xero.identity_url,
        "authorization_endpoint": xero.login_url,
    }
    wrong = [(claim, said.get(claim)) for claim, ours in claims.items() if _origin(said.get(claim)) != _origin(ours)]
    return [
        problem(
            "hosts",
            "another",
            f"The identity server's {claim} is {value or 'not said'}, which is not the configuration's.",
            URLS,
            subject=claim,
        )
        for claim, value in wrong
    ]


async def clock(patient: Patient) -> list[Finding]:
    """This machine's time beside the hosts' own, which they say to the second."""
    skews = [skew for host in patient.hosts.values() if (skew := _skew(host)) is not None]
    if not skews:
        return [warning("clock", "unknown", "No host said what time it is.", "Run it again when Xero can be reached.")]
    skew = min(skews, key=abs)
    if abs(skew) < SKEW_WARNING_S:
        return [ok("clock", f"This machine's clock agrees with Xero's to {abs(skew)} s.", skew_s=skew)]
    way = "slow" if skew > 0 else "fast"
    told = f"This machine's clock is {abs(skew):,} s {way}."
    if abs(skew) < SKEW_PROBLEM_S:
        return [warning("clock", "skew", told, NTP, skew_s=skew)]
    return [problem("clock", "skew", f"{told} Tokens and dates go wrong by it.", NTP, skew_s=skew)]


def _skew(host: HostAnswer) -> int | None:
    """Seconds by which the host is ahead of us; a second is what its header can say."""
    try:
        theirs = email.utils.parsedate_to_datetime((host.answer and host.answer.header("Date")) or "")
    except ValueError:
        return None
    theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=datetime.UTC)
    ahead = (theirs - host.asked_at).total_seconds()
    behind = (theirs + datetime.timedelta(seconds=1) - host.answered_at).total_seconds()
    if behind <= 0 <= ahead or ahead <= 0 <= behind:
        return 0
    return round(ahead if abs(ahead) < abs(behind) else behind)


async def redirect_uri(patient: Patient) -> list[Finding]:
    """Its form is one that Xero takes, and it is the one to register."""
    xero = patient.loaded.xero
    parts = urllib.parse.urlsplit(xero.redirect_uri)
    change = "Change [xero] redirect_uri here and at developer.xero.com."
    if xero.is_live and parts.scheme != "https" and parts.hostname != "localhost":
        return [
            problem(
                "redirect-uri",
                "refused",
                f"Xero takes no {parts.scheme}://{parts.hostname} as redirect URI.",
                f"{change} Xero takes https:// and http://localhost.",
            )
        ]
    if xero.is_live and parts.port == 0:
        return [
            problem(
                "redirect-uri",
                "port",
                "Xero takes only the exact redirect URI, and its port 0 is another each time.",
                change,
            )
        ]
    try:
        callback.address(xero.redirect_uri)
    except errors.ConfigurationError:
        return [
            warning(
                "redirect-uri",
                "elsewhere",
                f"{xero.redirect_uri} is not on this machine: `counterfoil connect` cannot hear the answer.",
                "Connect where it leads, or use http://localhost:PORT/oauth/callback.",
            )
        ]
    if not xero.is_live:
        return [ok("redirect-uri", f"The sandbox takes it as it is: {xero.redirect_uri}")]
    return [ok("redirect-uri", f"To be registered at developer.xero.com, exactly so: {xero.redirect_uri}")]


def _object(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def _origin(url: Any) -> tuple[str, str, int | None]:
    try:
        parts = urllib.parse.urlsplit(url if isinstance(url, str) else "")
        host = parts.hostname or ""
        return parts.scheme, SAME_HOST.get(host, host), parts.port
    except ValueError:
        return "", "", None


def _is_here(host: str | None) -> bool:
    return SAME_HOST.get(host or "", host) == "localhost"
