"""BrandingThemes: how the organisation's documents look; read only, and one of them, Standard (facts 5.23).

Called through `resources`; documents name the theme.
"""

from typing import Final

from counterfoil.sandbox import answers, wire
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.clock import guid_of
from counterfoil.sandbox.resources import listing, payment_services
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

PLURAL: Final = "BrandingThemes"


def id_of(tenant_id: str) -> str:
    """The id of the organisation's one theme."""
    return guid_of(f"{tenant_id}/branding")


def handle(call: Call) -> Answer:
    """GET the list or one; PaymentServices under one."""
    created = wire.stamp_ms(call.books.organisation["CreatedDateUTC"])
    row: Row = {
        "BrandingThemeID": id_of(call.books.tenant_id),
        "Name": "Standard",
        "SortOrder": 0,
        "CreatedDateUTC": f"/Date({created}+0000)/",
    }
    if len(call.path) == 2 and call.path[1].lower() == payment_services.PLURAL.lower():
        if call.path[0].lower() != row["BrandingThemeID"]:
            raise Refusal(answers.not_found())
        return payment_services.of_theme(call, row["BrandingThemeID"])
    return listing.read_only(call, PLURAL, "BrandingThemeID", [row], changed=False)


RESOURCE = Resource(PLURAL, "BrandingTheme", "accounting.settings", handle)
