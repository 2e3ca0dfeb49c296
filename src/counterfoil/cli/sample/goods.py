"""What the sample company sells: goods with their prices, and each entity's accounts, taxes and currencies.

Called by day and files. The codes and rates are those of the sandbox's charts (a test compares them).
"""

from decimal import Decimal
from typing import Final, NamedTuple


class Good(NamedTuple):
    """One thing for sale. `price` is without tax, in any currency; `tax` names one of the entity's taxes."""

    name: str
    price: Decimal
    tax: str


class Company(NamedTuple):
    """One entity. `taxes` maps our name of a tax to (how the settings write it, Xero's TaxType, per cent)."""

    key: str
    organisation: str
    currency: str
    foreign: tuple[str, ...]
    prefix: str  # of invoice numbers
    accounts: dict[str, str]
    taxes: dict[str, tuple[str, str, Decimal]]
    export_tax: str
    department: str
    share: int  # of the sales, in per cent


def _tax(written: str, tax_type: str, percent: str) -> tuple[str, str, Decimal]:
    return written, tax_type, Decimal(percent)


COMPANIES: Final = (
    Company(
        key="acme-uk",
        organisation="Fernhill Trading Ltd",
        currency="GBP",
        foreign=("EUR", "USD"),
        prefix="FT-",
        accounts={"sales": "200", "export": "210", "shipping": "220", "gift-cards": "830", "cards": "640"},
        taxes={
            "standard": _tax("20% (VAT on Income)", "OUTPUT2", "20"),
            "reduced": _tax("5% (VAT on Income)", "RROUTPUT", "5"),
            "zero": _tax("ZERORATEDOUTPUT", "ZERORATEDOUTPUT", "0"),
            "none": _tax("NONE", "NONE", "0"),
        },
        export_tax="zero",
        department="Online",
        share=45,
    ),
    Company(
        key="acme-au",
        organisation="Wattle & Co Pty Ltd",
        currency="AUD",
        foreign=("NZD", "USD"),
        prefix="WC-",
        accounts={"sales": "200", "export": "210", "shipping": "220"},
        taxes={
            "standard": _tax("GST on Income", "OUTPUT", "10"),
            "reduced": _tax("GST on Income", "OUTPUT", "10"),
            "zero": _tax("EXEMPTOUTPUT", "EXEMPTOUTPUT", "0"),
        },
        export_tax="zero",
        department="Online",
        share=30,
    ),
    Company(
        key="acme-nl",
        organisation="Grachtenhuis BV",
        currency="EUR",
        foreign=("GBP", "USD"),
        prefix="GH-",
        accounts={"sales": "200", "export": "215", "shipping": "220"},
        taxes={
            "standard": _tax("21% BTW", "TAX001", "21"),
            "reduced": _tax("9% BTW", "TAX002", "9"),
            "zero": _tax("0% BTW (export)", "TAX003", "0"),
        },
        export_tax="zero",
        department="Winkel",
        share=25,
    ),
)


def _good(name: str, price: str, tax: str = "standard") -> Good:
    return Good(name, Decimal(price), tax)


GOODS: Final = (
    _good("Stoneware mug, moss", "11.6667"),
    _good("Linen tea towel", "7.92"),
    _good("Beeswax candle, pair", "9.125"),
    _good("Oak chopping board", "34.9583"),
    _good("Enamel kettle 1.5 l", "41.625"),
    _good("Wool blanket, natural", "89.99"),
    _good("Brass desk lamp", "124.50"),
    _good("Glass storage jar 0.7 l", "6.2083"),
    _good("Seagrass basket", "18.75"),
    _good("Ink, bottle of 50 ml", "13.3325"),
    _good("Screws, brass, 4 x 40 mm", "0.0375"),
    _good("Paper bags, each", "0.0125"),
    _good("Cookery book: Bread\n320 pages, hardback", "24.99", "zero"),
    _good("Atlas of small islands", "32.00", "zero"),
    _good("Loose-leaf tea, Assam, 250 g", "8.45", "zero"),
    _good("Coffee beans, 1 kg", "17.80", "zero"),
    _good("Child's car seat", "149.1667", "reduced"),
    _good("Draught excluder", "21.4286", "reduced"),
)
SHIPPING: Final = (Decimal("3.95"), Decimal("5.50"), Decimal("12.375"))
REGIONS: Final = ("North", "South", "East", "West")
