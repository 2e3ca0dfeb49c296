"""What a new organisation is called: its name, its tenant id and its short code, from its number and the seed alone.

Called by `books` and `world`.
"""

from counterfoil.sandbox.clock import guid_of

COUNTRIES = ("GB", "AU", "NL", "NZ")
NAMES = (
    "Fernhill Trading Ltd",
    "Wattle & Co Pty Ltd",
    "Grachtenhuis BV",
    "Kōwhai Holdings Ltd",
)
_MORE_NAMES = ("Ashdown", "Banksia", "Dijkzicht", "Rimu", "Larkfield", "Boronia", "Molenwaard", "Tōtara")
_MORE_KINDS = {"GB": "Supplies Ltd", "AU": "Traders Pty Ltd", "NL": "Handel BV", "NZ": "Merchants Ltd"}
_SHORT_CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"


def country_of(number: int) -> str:
    """The country of organisation 1, 2, 3 …: the four take turns."""
    return COUNTRIES[(number - 1) % len(COUNTRIES)]


def organisation_name(number: int, country: str) -> str:
    """The name of organisation 1, 2, 3 …: unique."""
    if number <= len(NAMES):
        return NAMES[number - 1]
    return f"{_MORE_NAMES[number % len(_MORE_NAMES)]} {_MORE_KINDS[country]} {number}"


def tenant_id_of(seed: int, number: int, incarnation: int) -> str:
    """The tenant id of an organisation; a reset of its books counts the incarnation up, as a demo company's does."""
    return guid_of(f"{seed}/{number}/{incarnation}/tenant")


def short_code(basis: str) -> str:
    """A short code such as !Qj35V."""
    digits = int(guid_of(f"{basis}short").replace("-", ""), 16)
    letters = []
    for _ in range(5):
        digits, index = divmod(digits, len(_SHORT_CODE_LETTERS))
        letters.append(_SHORT_CODE_LETTERS[index])
    return "!" + "".join(letters)
