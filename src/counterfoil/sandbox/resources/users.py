"""Users: who works in the organisation; read only (facts 5.23). In a sandbox that is the person whom everybody plays.

Called through `resources` and by the resources that name a user.
"""

from typing import Final

from counterfoil.sandbox import wire
from counterfoil.sandbox.answers import Answer, Call
from counterfoil.sandbox.resources import listing
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

PLURAL: Final = "Users"
ROLE: Final = "FINANCIALADVISER"


def only(call: Call) -> Row:
    """The one user, as everything shows them that has one."""
    user = call.world.user()
    created = wire.stamp_ms(call.books.organisation["CreatedDateUTC"])
    return {
        "UserID": user.user_id,
        "EmailAddress": user.email,
        "FirstName": user.given_name,
        "LastName": user.family_name,
        "UpdatedDateUTC": f"/Date({created}+0000)/",
        "IsSubscriber": True,
        "OrganisationRole": ROLE,
    }


def handle(call: Call) -> Answer:
    """GET the list or one."""
    return listing.read_only(call, PLURAL, "UserID", [only(call)], changed=True)


RESOURCE = Resource(PLURAL, "User", "accounting.settings", handle)
