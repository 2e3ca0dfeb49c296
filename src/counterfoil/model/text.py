"""Which texts may become keys, numbers, names and e-mail addresses, as patterns that the published schema shows.

Called by records. Keys and numbers go into query strings (`InvoiceNumbers=A,B`) and quoted filters at Xero, so commas,
quotes, control characters and outer spaces are refused (design §5.4). Contact names: facts 5.7. A control character is
any of Unicode's Cc and the two line separators; the patterns are written so that JSON Schema reads them alike.

What nobody sees (zero-width, soft hyphen, direction marks, fillers) makes two keys look the same: checks.unseen refuses it in
new ones, and the published patterns say so. Those that were taken before it did still decode. Names and descriptions
keep it: some scripts are not written without joiners.
"""

import re
from typing import Annotated, Final

import msgspec

_CONTROL: Final = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
END: Final = r"(?![\s\S])"  # Python's $ also matches before a last line break; JSON Schema's does not
PORT: Final = "(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5]?[0-9]{1,4})"  # 65535 at most
_KEY: Final = rf"""^(?!\s)[^,"'`{_CONTROL}]+(?<!\s){END}"""
_LINE: Final = rf"^(?!\s)[^{_CONTROL}]+(?<!\s){END}"
_NAME: Final = rf"^(?!\s)(?!.*  )[^<>{_CONTROL}]+(?<!\s){END}"
_EMAIL: Final = (
    r"^[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+"
    + END
)
_UNSEEN: Final = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    r"\ufff0-\ufffb"
)
PUBLISHED: Final = {_KEY: _KEY.replace(_CONTROL, _CONTROL + _UNSEEN)}  # what a pattern says of new records
_ANY_UNSEEN: Final = re.compile(rf"[{_CONTROL}{_UNSEEN}\U000e0000-\U000e0fff]")  # JSON Schema cannot write the last
KEY_ILLEGAL: Final = "key-illegal"
_KEY_RULE: Final = {
    "cause": KEY_ILLEGAL,
    "rule": "Commas, quotes, control and invisible characters and spaces at either end are not allowed; choose another "
    "and keep it.",
}


def _key(length: int, description: str) -> msgspec.Meta:
    return msgspec.Meta(min_length=1, max_length=length, pattern=_KEY, description=description, extra=_KEY_RULE)


def _line(length: int) -> msgspec.Meta:
    rule = "One line of text without control characters and without spaces at either end."
    return msgspec.Meta(
        min_length=1, max_length=length, pattern=_LINE, description=f"Up to {length} characters.", extra={"rule": rule}
    )


Key = Annotated[str, _key(255, "Your own key of the record; never reused. No commas, quotes or outer spaces.")]
ContactKey = Annotated[str, _key(50, "Your own key of the customer; becomes Xero's ContactNumber.")]
PaymentKey = Annotated[str, _key(100, "Your own key of the payment within the sale; never reused.")]
Number = Annotated[str, _key(255, 'The invoice number; absent: `external_id`; "xero": Xero\'s own sequence.')]
ContactName = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=255,
        pattern=_NAME,
        description="The customer's name as it shall stand in Xero.",
        extra={
            "cause": "contact-name-illegal",
            "rule": "Xero takes no angle brackets, no double spaces and no spaces at either end of a contact's name.",
        },
    ),
]
Email = Annotated[
    str,
    msgspec.Meta(
        max_length=255,
        pattern=_EMAIL,
        description="One address, of ASCII characters only: Xero takes no others.",
        extra={"cause": "email-invalid", "rule": "Give one address such as ap@example.com, or leave it out."},
    ),
]
Line50 = Annotated[str, _line(50)]
Line100 = Annotated[str, _line(100)]
Line255 = Annotated[str, _line(255)]
Line500 = Annotated[str, _line(500)]
Description = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=4000,
        pattern=r"^(?=[\s\S]*\S)[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*" + END,
        description="What was sold; may have several lines.",
        extra={
            "rule": "Not blank, up to 4000 characters; line breaks and tabs are fine, other control characters are not."
        },
    ),
]
Link = Annotated[
    str,
    msgspec.Meta(
        max_length=2000,
        pattern=rf"^https?://[^\s/{_CONTROL}][^\s{_CONTROL}]*" + END,
        description="A complete http or https address.",
        extra={"rule": "Give a complete address such as https://shop.example/orders/1001."},
    ),
]
CurrencyCode = Annotated[
    str,
    msgspec.Meta(
        pattern="^[A-Z]{3}" + END,
        description="ISO code; absent: the organisation's base currency.",
        extra={"cause": "currency-unknown", "rule": "Three capital letters such as GBP."},
    ),
]
Guid = Annotated[
    str,
    msgspec.Meta(
        pattern="^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}" + END,
        description="The BrandingThemeID; themes cannot be named yet.",
        extra={"rule": "Give the theme's BrandingThemeID; naming a theme is not supported yet."},
    ),
]

NUMBER_FROM_XERO: Final = "xero"


def is_key(text: str) -> bool:
    """Whether `text` may be a key or a number."""
    return len(text) <= 255 and re.search(_KEY, text) is not None


def unseen(text: str) -> str | None:
    """The first character of `text` that nobody sees, as U+XXXX; None: it has none."""
    found = None if text.isascii() and text.isprintable() else _ANY_UNSEEN.search(text)
    return None if found is None else f"U+{ord(found[0]):04X}"
