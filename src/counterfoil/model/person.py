"""One person of whom everything is exported or erased: their ids, and the words by which their text is known. Pure.

Made by app/privacy from what is held, kept with an erasure while it goes on. `strong` words say whom they are about wherever they
stand (a whole name, an e-mail address, a telephone number); `weak` ones (a first name) count only in an external id.
"""

import functools
import json
import re
import unicodedata
import urllib.parse
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from counterfoil.model.veil import ERASED

STRONG_MIN: Final = 4  # characters: shorter ones stand in other words
STRONG_MIN_UNSPACED: Final = 3  # where a character is a syllable or a word
WEAK_MIN: Final = 3
DIGITS_MIN: Final = 6  # of a telephone or tax number
_CODE: Final = re.compile(r"[a-z][a-z0-9_-]*")
_PLAIN: Final = re.compile(r"[\W_]+")
_LETTERS: Final = (
    r"[0-9A-Za-z_\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u0587\u10a0-\u10ff\u1e00-\u1fff]"  # of scripts with capitals
)
_AFTER: Final = f"(?!{_LETTERS})"
_BEFORE: Final = (
    rf"(?:(?<!{_LETTERS})|(?<=%[0-9A-Fa-f]{{2}})|(?<=\\[nrtbf])|(?<=\\u[0-9A-Fa-f]{{4}}))"  # or behind an escape
)
_STRONG_FIELDS: Final = frozenset(
    {
        "Name", "EmailAddress", "TaxNumber", "CompanyNumber", "BankAccountDetails", "AddressLine1", "AttentionTo", "Website",
        "SkypeUserName", "name", "email", "tax_number", "company_number", "line1", "attention_to",
    }
)  # fmt: skip
_NUMBER_FIELDS: Final = frozenset({"PhoneNumber", "phone"})
_WEAK_FIELDS: Final = frozenset({"FirstName", "LastName", "first_name", "last_name"})
_PERSONS: Final = frozenset({"ContactPersons", "Addresses", "Phones", "contact", "street_address", "postal_address"})


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """`external_ids`: as our flows know them; `postings`: every posting of theirs; `numbers`: documents whose number tells."""

    entity: str
    tenant_id: str
    contact_ids: tuple[str, ...]
    external_ids: tuple[str, ...]
    postings: tuple[int, ...] = ()
    numbers: tuple[str, ...] = ()
    strong: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()

    def with_words(self, other: "Person") -> "Person":
        """The same, with what else is known of how they are called."""
        strong, weak = {*self.strong, *other.strong}, {*self.weak, *other.weak}
        return msgspec.structs.replace(self, strong=tuple(sorted(strong)), weak=tuple(sorted(weak)))

    def words(self) -> "Words":
        """The words, ready to be looked for; made once."""
        return _words(self.strong, self.weak)


class Words:
    """Looks for a person's words in a text, and takes them out."""

    def __init__(self, strong: Iterable[str], weak: Iterable[str] = ()) -> None:
        wanted = {one for one in strong if _is_strong(one)}
        spelled = sorted({form for one in wanted for form in spellings(one)}, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_alone, spelled)), re.IGNORECASE) if spelled else None
        self._known = {_folded(one) for one in wanted} | {_folded(one) for one in weak if len(one) >= WEAK_MIN}
        self._known.discard("")

    def stand_in(self, text: str | None) -> bool:
        """Whether one of the strong words is in it."""
        return bool(text and self._pattern and self._pattern.search(text))

    def out_of(self, text: str) -> str:
        """The text with another word in their place."""
        return self._pattern.sub(ERASED, text) if self._pattern else text

    def out_of_said(self, text: str) -> str:
        """The same of what may be one of our own codes ("duplicate-number"), which stays though somebody is called like it."""
        return text if _CODE.fullmatch(text) else self.out_of(text)

    def out_of_any(self, value: Any, *, keys: bool = True) -> Any:
        """The same of all texts in a JSON value; the very same where none stands in it. `keys` False: of its names they stay."""
        if isinstance(value, str):
            return self.out_of(value) if self.stand_in(value) else value
        if isinstance(value, dict):
            inner = {
                self.out_of_any(key) if keys else key: self.out_of_any(one, keys=keys) for key, one in value.items()
            }
            return value if inner == value else inner
        if isinstance(value, list):
            parts = [self.out_of_any(one, keys=keys) for one in value]
            return value if parts == value else parts
        return value

    def name(self, external_id: str | None) -> bool:
        """Whether an external id or a number is itself a personal text: an e-mail address, or made of their names."""
        if not external_id:
            return False
        folded = _folded(external_id)
        return "@" in external_id or any(one in folded for one in self._known)


@functools.lru_cache(4)  # an erasure asks for the same with each of its transactions
def _words(strong: tuple[str, ...], weak: tuple[str, ...]) -> Words:
    return Words(strong, weak)


def _folded(text: str) -> str:
    """Letters and digits alone, without their accents: an id that was made of a name often has none."""
    return _PLAIN.sub("", unicodedata.normalize("NFKD", text).casefold())


def composed(text: str) -> set[str]:
    """A text with its accents in their letters, and beside them: which of the two a source writes nobody sees."""
    return {text, *(unicodedata.normalize(form, text) for form in ("NFC", "NFD", "NFKC", "NFKD"))}


def spellings(word: str) -> set[str]:
    """How a word may stand in a text: composed either way, in capitals ("STRASSE"), escaped as in JSON or an address."""
    cased = {word, word.upper(), word.lower(), word.casefold()}
    plain = {form for one in cased for form in composed(one)}
    escaped = {json.dumps(one)[1:-1] for one in plain}
    quoted = {
        quote(one, "", errors="replace") for quote in (urllib.parse.quote, urllib.parse.quote_plus) for one in plain
    }
    forms = plain | escaped | quoted
    return {
        one.lower() if one.isascii() else one for one in forms
    }  # a pattern that minds no capitals needs one of them


def _is_strong(word: str) -> bool:
    """Whether a word may be looked for in sentences: neither a part of other words, nor a year or a small number."""
    if not any(map(str.isalpha, word)):
        return sum(map(str.isdigit, word)) >= DIGITS_MIN
    return len(word) >= (STRONG_MIN_UNSPACED if _is_unspaced(word) else STRONG_MIN)


def _is_unspaced(word: str) -> bool:
    """Of a script that leaves no space between words, such as Chinese or Thai, or joins little words to them, such as Arabic."""
    return any(unicodedata.category(one) == "Lo" for one in word)


def _alone(word: str) -> str:
    """The pattern of a word that is no part of a longer one, where a script tells."""
    before = "" if unicodedata.category(word[0]) == "Lo" else _BEFORE
    after = "" if unicodedata.category(word[-1]) == "Lo" else _AFTER
    return f"{before}{re.escape(word)}{after}"


def words_of(value: Any, strong: set[str], weak: set[str]) -> None:
    """Collect a person's words from a contact, of Xero's or of a record's."""
    if not isinstance(value, dict):
        return
    whole = " ".join(str(value.get(one) or "") for one in ("FirstName", "LastName")).strip()
    if " " in whole:
        strong.add(whole)
    for name, one in value.items():
        if isinstance(one, dict) and name in _PERSONS:
            words_of(one, strong, weak)
        elif isinstance(one, list) and name in _PERSONS:
            for each in one:
                words_of(each, strong, weak)
        elif isinstance(one, str) and one.strip() and one != ERASED:
            _word(name, one.strip(), strong, weak)


def _word(name: str, word: str, strong: set[str], weak: set[str]) -> None:
    if name in _STRONG_FIELDS:
        strong.add(word)
        if name in ("Name", "name"):
            weak.update(word.split())
    elif name in _NUMBER_FIELDS and sum(map(str.isdigit, word)) >= DIGITS_MIN:
        strong.add(word)
    elif name in _WEAK_FIELDS:
        weak.add(word)
