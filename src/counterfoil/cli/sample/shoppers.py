"""Who buys in the web shop: private people, in names that old Western encodings can write and in names that they cannot.

Called by orders. Each has an e-mail address of the reserved domain `.example`, which is the shop's only key for them.
"""

from typing import Final

_GIVEN: Final = (
    ("Amelia", "amelia"), ("Björn", "bjorn"), ("Chloë", "chloe"), ("Dafydd", "dafydd"), ("Émile", "emile"),
    ("Fatima", "fatima"), ("Gráinne", "grainne"), ("Łucja", "lucja"), ("Ngọc", "ngoc"), ("Şule", "sule"),
    ("Δήμητρα", "dimitra"), ("Олеся", "olesia"),
)  # fmt: skip
_FAMILY: Final = (
    ("Okafor", "okafor"), ("MacLeod", "macleod"), ("Peña", "pena"), ("Thibault-Grey", "thibault-grey"),
    ("O'Shea", "oshea"), ("Weiß", "weiss"), ("Kovářová", "kovarova"), ("Țepeș", "tepes"), ("van der Meer", "vandermeer"),
    ("Ødegård", "odegard"),
)  # fmt: skip
_CITIES: Final = ("Leeds", "Cardiff", "Inverness", "Norwich", "St Ives", "Derry")


def shopper(index: int) -> dict[str, str]:
    """The billing columns of the shopper of that number, always alike; numbers beyond the last begin again."""
    number = index % count()
    given, family = _GIVEN[number % len(_GIVEN)], _FAMILY[number // len(_GIVEN)]
    return {
        "Email": f"{given[1].title()}.{family[1]}@post.example"
        if number % 5
        else f"{given[1]}.{family[1]}@post.example",
        "Billing name": f"{given[0]} {family[0]}",
        "Billing city": _CITIES[number % len(_CITIES)],
        "Billing country": "GB",
    }


def count() -> int:
    """How many there are."""
    return len(_GIVEN) * len(_FAMILY)
