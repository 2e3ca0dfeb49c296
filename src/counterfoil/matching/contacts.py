"""Which contact of Xero's a customer of ours probably is: by name, e-mail, tax number and contact number. Pure.

Called by app/matching_contacts. Names are compared without case, accents, punctuation, word order and legal forms
("Blue Fern Ltd" is "FERN, Blue Limited"). A pair is `certain`, and filled in, only when two independent things agree and
nobody else comes into question; everything else is left to the person who reads the file.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

import msgspec
from rapidfuzz import fuzz, process

from counterfoil.model.prepared import ContactWanted

CANDIDATES_MAX: Final = 3  # for one customer
EXAMINED_MAX: Final = 20  # of those whose names are alike
NAME_ALIKE_MIN: Final = 80  # per cent, from which a name alone is worth a look
NAME_WITH_DOMAIN_MIN: Final = 60
NAME_CERTAIN_MIN: Final = 85
TAX_DIGITS_MIN: Final = 5  # shorter "numbers" are words like "none"
NAME_WEIGHT: Final = 60  # of 100; the rest is what agrees besides
SAME_WEIGHT: Final = 40  # the same e-mail address or tax number
NUMBER_WEIGHT: Final = 30
DOMAIN_WEIGHT: Final = 10
LEGAL_FORMS: Final = frozenset(
    {
        "ab", "ag", "aps", "as", "bv", "bvba", "co", "company", "corp", "corporation", "gmbh", "inc",
        "incorporated", "kg", "limited", "llc", "llp", "lp", "ltd", "mbh", "nv", "oy", "plc", "pte", "pty", "sa",
        "sarl", "sas", "sl", "spa", "srl", "the"
    }
)  # fmt: skip
PUBLIC_DOMAINS: Final = frozenset(
    {
        "aol.com", "bigpond.com", "btinternet.com", "gmail.com", "gmx.de", "gmx.net", "googlemail.com",
        "hotmail.co.uk", "hotmail.com", "icloud.com", "live.com", "mail.com", "me.com", "msn.com", "outlook.com",
        "proton.me", "protonmail.com", "web.de", "xtra.co.nz", "yahoo.co.uk", "yahoo.com", "ziggo.nl"
    }
)  # fmt: skip
_WORD: Final = re.compile(r"\w+")


class Known(Protocol):
    """A contact of Xero's as the mirror knows it (store/documents.KnownContact is one)."""

    @property
    def contact_id(self) -> str:
        """Xero's id."""
        ...

    @property
    def number(self) -> str | None:
        """ContactNumber: the key that some program gave it."""
        ...

    @property
    def name(self) -> str:
        """The name."""
        ...

    @property
    def email_key(self) -> str | None:
        """The e-mail address in lower case."""
        ...

    @property
    def status(self) -> str:
        """ACTIVE, ARCHIVED or GDPRREQUEST."""
        ...

    @property
    def merged_to(self) -> str | None:
        """The contact that it was merged into: that one is meant, not this."""
        ...

    @property
    def tax_number(self) -> str | None:
        """The tax number."""
        ...


class Proposal(msgspec.Struct, frozen=True):
    """One pair to look at. `score` 0 to 100; `decision` "link" when it is certain, else "" for a person to fill in.

    `contact_id` "": Xero has nobody alike. The candidates of one customer follow each other, the likeliest first.
    """

    external_id: str
    name: str
    email: str
    contact_id: str
    contact_name: str
    contact_email: str
    contact_number: str
    contact_status: str
    score: int
    reason: str
    decision: str = ""


class _Pair(msgspec.Struct, frozen=True):
    known: Known
    score: int
    reasons: tuple[str, ...]
    certain: bool


def proposals(wanted: Iterable[ContactWanted], known: Iterable[Known]) -> list[Proposal]:
    """Pairs for a person: first those to decide, then the certain ones, then customers whom nobody in Xero is like.

    Within each by external id. One customer has at most CANDIDATES_MAX pairs, or one without a contact. The order in
    which customers and contacts are given makes no difference; a contact is certain for one customer at most.
    """
    customers = sorted({one.external_id: one for one in wanted}.values(), key=lambda one: one.external_id)
    index = _Index(known)
    pairs = {one.external_id: index.pairs(one) for one in customers}
    claims: dict[str, int] = defaultdict(int)
    for found in pairs.values():
        for pair in found:
            claims[pair.known.contact_id] += pair.certain
    result = [line for one in customers for line in _lines(one, pairs[one.external_id], claims)]
    decided = {line.external_id for line in result if line.decision}
    return sorted(result, key=lambda line: (not line.contact_id, line.external_id in decided))  # stable: by external id


def _lines(customer: ContactWanted, pairs: Sequence[_Pair], claims: Mapping[str, int]) -> list[Proposal]:
    mine = (customer.external_id, customer.name, customer.email or "")
    if not pairs:
        return [Proposal(*mine, "", "", "", "", "", 0, "nobody in Xero is like this customer: becomes a new contact")]
    certain = [pair for pair in pairs if pair.certain]
    chosen = certain[0] if len(certain) == 1 and claims[certain[0].known.contact_id] == 1 else None
    return [
        Proposal(
            *mine, pair.known.contact_id, pair.known.name, pair.known.email_key or "", pair.known.number or "",
            pair.known.status, pair.score, "; ".join(pair.reasons), "link" if pair is chosen else "",
        )
        for pair in pairs
    ]  # fmt: skip


class _Index:
    """Xero's contacts by what they may be found with."""

    def __init__(self, known: Iterable[Known]) -> None:
        self._all = sorted((one for one in known if not one.merged_to), key=lambda one: one.contact_id)
        self._names = [plain_name(one.name) for one in self._all]
        self._by: dict[tuple[str, str], list[int]] = defaultdict(list)
        for position, one in enumerate(self._all):
            for key in _keys(one.email_key, one.tax_number, one.number):
                self._by[key].append(position)

    def pairs(self, customer: ContactWanted) -> list[_Pair]:
        """The likeliest contacts of a customer, best first."""
        name = plain_name(customer.name)
        alike = process.extract(
            name, self._names, scorer=fuzz.ratio, processor=None, limit=EXAMINED_MAX, score_cutoff=NAME_ALIKE_MIN
        )
        positions = {position for _name, _ratio, position in alike}
        keys = _keys(customer.email, _tax_number(customer), customer.external_id)
        for key in keys:
            positions |= set(self._by.get(key, ())[:EXAMINED_MAX])
        found = [pair for at in sorted(positions) if (pair := self._pair(name, customer, set(keys), at)) is not None]
        return sorted(found, key=lambda pair: (-pair.score, pair.known.contact_id))[:CANDIDATES_MAX]

    def _pair(self, name: str, customer: ContactWanted, keys: set[tuple[str, str]], at: int) -> _Pair | None:
        one = self._all[at]
        alike = int(fuzz.ratio(name, self._names[at]))
        same = {kind for kind, _value in keys & set(_keys(one.email_key, one.tax_number, one.number))}
        if alike < NAME_WITH_DOMAIN_MIN and same == {"domain"}:
            return None
        strong = bool(same & {"email", "tax"})
        score = alike * NAME_WEIGHT // 100 + SAME_WEIGHT * strong + NUMBER_WEIGHT * ("number" in same)
        score += DOMAIN_WEIGHT * ("domain" in same and not strong)
        theirs = bool(one.number) and one.number != customer.external_id
        certain = strong and alike >= NAME_CERTAIN_MIN and one.status == "ACTIVE" and not theirs
        return _Pair(one, min(score, 100), _reasons(customer, one, alike, same), certain)


def _reasons(customer: ContactWanted, one: Known, alike: int, same: set[str]) -> tuple[str, ...]:
    same = same - {"domain"} if "email" in same else same
    said = [_SAID[kind] for kind in ("number", "email", "tax", "domain") if kind in same]
    said.append("the same name" if alike == 100 else f"names {alike} % alike")
    if customer.email and one.email_key and "email" not in same:
        said.append("another e-mail address")
    if one.number and one.number != customer.external_id:
        said.append(f"has the number of another customer: {one.number}")
    if one.status != "ACTIVE":
        said.append(f"{one.status.lower()} in Xero: restore it first")
    return tuple(said)


_SAID: Final = {
    "number": "has this contact number",
    "email": "the same e-mail address",
    "tax": "the same tax number",
    "domain": "the same e-mail domain",
}


def _keys(email: str | None, tax: str | None, number: str | None) -> list[tuple[str, str]]:
    """What two records may share, each with its kind."""
    found: list[tuple[str, str]] = []
    address = (email or "").strip().casefold()
    domain = address.rpartition("@")[2]
    if "@" in address:
        found.append(("email", address))
        if domain not in PUBLIC_DOMAINS:
            found.append(("domain", domain))
    digits = "".join(one for one in (tax or "").casefold() if one.isalnum())
    if sum(one.isdigit() for one in digits) >= TAX_DIGITS_MIN:
        found.append(("tax", digits))
    if number:
        found.append(("number", number))
    return found


def _tax_number(customer: ContactWanted) -> str | None:
    value = customer.element.get("TaxNumber")
    return value if isinstance(value, str) else None


def plain_name(name: str) -> str:
    """A name as it is compared: words without accents and legal forms, in alphabetical order."""
    letters = "".join(one for one in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(one))
    words = _WORD.findall(letters.replace(".", "").replace("'", "").replace("’", ""))
    kept = [word for word in words if word not in LEGAL_FORMS] or words
    return " ".join(sorted(kept))
