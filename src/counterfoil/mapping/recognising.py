"""What a sample's cells look like: how numbers and dates are written, and which field a column's name speaks of.

Called by guessing. Pure. Everything here is a guess and is shown as one; nothing of it is used when rows
are mapped.
"""

import datetime
import re
from collections.abc import Mapping, Sequence
from typing import Final

DATE_FORMATS: Final = (
    "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%d %b %Y",
    "%d %B %Y", "%b %d, %Y", "%Y%m%d", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S", "%d.%m.%Y %H:%M:%S",
)  # fmt: skip
_LETTERS: Final = (
    ("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss"), ("é", "e"), ("è", "e"), ("ê", "e"), ("ô", "o"), ("ç", "c"),
)  # fmt: skip
ISO: Final = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?(?:[.,]\d+)? ?(Z|[+-]\d{2}:?\d{2})?)?")

# Field of a record → the names that exports give its column, letters only, lower case; the better ones first.
NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "external_id": (
        "orderid", "ordernumber", "orderno", "order", "invoicenumber", "invoiceno", "invoice", "number", "name", "id",
        "bestellnummer", "bestellnr", "auftragsnummer", "rechnungsnummer", "bestelnummer", "factuurnummer", "commande",
        "numerodecommande", "facture", "reference", "uuid",
    ),
    "contact.email": ("email", "customeremail", "emailaddress", "mail", "courriel", "emailadres", "billingemail"),
    "contact.name": (
        "customername", "billingname", "customer", "company", "client", "clientname", "kunde", "kundenname", "klant",
        "klantnaam", "nomduclient", "contactname", "buyer", "name", "naam", "nom", "fullname", "billtoname",
    ),
    "contact.external_id": ("customerid", "customernumber", "kundennummer", "klantnummer", "clientno", "clientid"),
    "date": (
        "invoicedate", "orderdate", "paidat", "date", "createdat", "orderedon", "datum", "rechnungsdatum", "bestelldatum",
        "besteldatum", "factuurdatum", "datedecommande", "datefacture", "created", "issued", "issuedon", "issuedat",
    ),
    "due_date": ("duedate", "due", "faelligkeit", "faelligam", "vervaldatum", "echeance", "dueon"),
    "currency": ("currency", "currencycode", "waehrung", "valuta", "devise"),
    "reference": ("poreference", "ponumber", "yourreference", "customerreference", "referenz", "referentie"),
    "total": (
        "total", "ordertotal", "invoicetotal", "grandtotal", "gesamtbetrag", "gesamt", "summe", "totaal", "totalttc",
        "montanttotal", "amountdue", "gross",
    ),
    "shipping": (
        "shipping", "shippingamount", "postage", "versand", "versandkosten", "verzendkosten", "livraison",
        "fraisdeport",
    ),
    "line.description": (
        "lineitemname", "itemname", "itemtitle", "itemstitle", "linesdescription", "item", "description",
        "product", "productname", "producttitle", "artikel", "bezeichnung", "omschrijving", "produit",
        "designation", "title",
    ),
    "line.quantity": (
        "lineitemquantity", "itemquantity", "itemscount", "quantity", "qty", "menge", "anzahl", "aantal",
        "quantite", "units",
    ),
    "line.unit_amount": (
        "lineitemprice", "itemprice", "unitprice", "itemspriceamount", "price", "preis", "einzelpreis",
        "stueckpreis", "prijs", "prix", "prixunitaire",
    ),
    "line.discount_amount": ("lineitemdiscount", "itemdiscount", "linediscount", "rabatt", "korting", "remise"),
    "line.tax": (
        "itemvat", "itemtax", "taxcode", "vatcode", "taxname", "vatname", "taxrate", "vatrate", "vat", "tax",
        "mwst", "ust", "steuersatz", "btw", "tva", "tauxtva", "tax1name", "lineitemtax",
    ),
}  # fmt: skip


def numbers(texts: Sequence[str]) -> tuple[str, str] | None:
    """(decimal sign, thousands separator) that all of these numbers agree with; None: nothing tells, or they differ."""
    signs, separators = set(), set()
    for text in texts:
        bare = text.strip().lstrip("+-\u2212")
        marks = re.findall(r"[^0-9]", bare)
        if not re.fullmatch(r"[0-9][0-9.,' \u00a0\u202f]*", bare) or not marks:
            continue
        last, rest = marks[-1], marks[:-1]
        after = len(bare) - bare.rfind(last) - 1
        if rest and last in rest:  # 1.234.567: what stands twice is no decimal sign
            separators.add(last)
        elif rest:
            signs.add(last)
            separators.update(rest)
        elif after != 3:
            signs.add(last)
        else:
            return None  # 1.234 may be a thousand or a little more than one
    if len(signs) > 1 or len(separators) > 1 or signs & separators or signs - {".", ","}:
        return None
    separator = "".join(" " if one in "\u00a0\u202f" else one for one in separators)
    sign = next(iter(signs), "," if separator == "." else ".")
    return sign, separator


def dates(texts: Sequence[str]) -> tuple[str, ...]:
    """The formats that read all of these texts; "ISO" alone when they are; several when nobody can tell."""
    found = [text.strip() for text in texts if text.strip()]
    if found and all(ISO.fullmatch(text) for text in found):
        return ("ISO",)
    return tuple(one for one in DATE_FORMATS if found and all(_reads(text, one) for text in found))


def lacks_zone(text: str) -> bool:
    """Whether an ISO text has a time, but nothing that says in which time zone."""
    match = ISO.fullmatch(text.strip())
    return match is not None and len(text.strip()) > len("2026-11-01") and match[1] is None


def columns(names: Sequence[str]) -> dict[str, str]:
    """Field → column, for the columns whose names are known; each column once, the surest first.

    Of a dotted name the last part counts too (), but less.
    """
    ranked = sorted(
        (known.index(short), less, order, field, name)
        for order, (field, known) in enumerate(NAMES.items())
        for name in names
        for less, short in enumerate((_plain(name), _plain(name.rsplit(".", 1)[-1])))
        if short in known
    )
    found: dict[str, str] = {}
    for _, _, _, field, name in ranked:
        if field not in found and name not in found.values():
            found[field] = name
    return found


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", _ascii(name))


def _ascii(name: str) -> str:
    lower = name.casefold()
    for letter, plain in _LETTERS:
        lower = lower.replace(letter, plain)
    return lower


def _reads(text: str, one: str) -> bool:
    try:
        datetime.datetime.strptime(text, one)  # noqa: DTZ007 - only whether it fits
    except ValueError:
        return False
    return True
