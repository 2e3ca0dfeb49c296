"""Tax rates, tracking, accounts, groups of contacts, users and themes: what an app may make of the settings."""

import pytest

from tests.sandbox.conftest import messages
from tests.sandbox.ledger.desk import Desk, line


@pytest.fixture
def desk():
    made = Desk()
    made.contact = {"ContactID": made.made("Contacts", Name="Blue Fern Ltd")["ContactID"]}
    return made


def refused(answer):
    status, body = answer
    assert status == 400, body
    return messages(body["Elements"][0])


def sold(desk, **fields):
    dates = {"Date": "2026-11-01", "DueDate": "2026-12-01", "Status": "AUTHORISED"}
    lines = [line("200", 100, **fields)]
    return desk.made("Invoices", Type="ACCREC", Contact=desk.contact, **dates, LineItems=lines)


RATE = {"Name": "City tax", "ReportTaxType": "OUTPUT", "TaxComponents": [{"Name": "City", "Rate": 5}]}


def test_a_made_tax_rate_gets_a_code_and_is_charged(desk):
    """TAX001; compound components tax the others too; it fits income and not expenses."""
    compound = {"Name": "On top", "Rate": "10.00005", "IsCompound": True}
    made = desk.made("TaxRates", **{**RATE, "TaxComponents": [*RATE["TaxComponents"], compound]})
    assert (made["TaxType"], made["Status"], made["CanApplyToExpenses"]) == ("TAX001", "ACTIVE", False)
    assert str(made["EffectiveRate"]) == "15.5001"
    assert sold(desk, TaxType="TAX001")["TotalTax"] == 15.5


def test_a_tax_rate_keeps_its_components_and_is_deleted_by_status(desk):
    """None is lost or renamed; a system rate never changes; a deleted one is refused on a line."""
    made = desk.made("TaxRates", **RATE)
    lost = {**made, "TaxComponents": [{"Name": "Other", "Rate": 5}]}
    assert refused(desk.ask("POST", "TaxRates", lost)) == [
        "All existing tax components must be sent, under their names"
    ]
    system = {"TaxType": "OUTPUT2", "Name": "x", "TaxComponents": []}
    assert "A system tax rate cannot be changed" in refused(desk.ask("POST", "TaxRates", system))
    status, answer = desk.ask("POST", "TaxRates", {**made, "Status": "DELETED"})
    assert (status, answer["TaxRates"][0]["Status"]) == (200, "DELETED")
    body = {"Type": "ACCREC", "Contact": desk.contact, "LineItems": [line("200", 1, TaxType="TAX001")]}
    assert "does not exist or cannot be used" in refused(desk.ask("PUT", "Invoices", body))[0]


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ("Name", "The Name field is mandatory"),
        ("TaxComponents", "A tax rate needs at least one tax component"),
        ("ReportTaxType", "The ReportTaxType field is mandatory"),
    ],
)
def test_what_a_tax_rate_needs(desk, missing, expected):
    """In the British edition a report type, too."""
    body = {key: value for key, value in RATE.items() if key != missing}
    assert refused(desk.ask("PUT", "TaxRates", body)) == [expected]


def test_tracking_is_renamed_archived_and_removed(desk):
    """Only what no line names can be deleted; the third active category is refused."""
    region = next(row for row in desk.books.table("TrackingCategories") if row["Name"] == "Region")
    path = f"TrackingCategories/{region['TrackingCategoryID']}"
    sold(desk, Tracking=[{"Name": "Region", "Option": "North"}])
    north, south = region["Options"][:2]
    in_use = ["It is used on a document or journal: it can only be archived."]
    assert refused(desk.ask("DELETE", f"{path}/Options/{north['TrackingOptionID']}")) == in_use
    assert refused(desk.ask("DELETE", path)) == in_use
    gone = desk.ask("DELETE", f"{path}/Options/{south['TrackingOptionID']}")[1]["Options"][0]
    assert (gone["Status"], gone["IsDeleted"]) == ("DELETED", True)
    renamed = desk.ask("POST", f"{path}/Options/{north['TrackingOptionID']}", {"Name": "Norden", "Status": "ARCHIVED"})
    assert (renamed[1]["Options"][0]["Name"], renamed[1]["Options"][0]["IsArchived"]) == ("Norden", True)
    assert refused(desk.ask("PUT", "TrackingCategories", {"Name": "Third"})) != []
    assert desk.ask("POST", path, {"Status": "ARCHIVED"})[1]["TrackingCategories"][0]["Status"] == "ARCHIVED"
    assert desk.made("TrackingCategories", Name="Third")["Status"] == "ACTIVE"
    assert refused(desk.ask("POST", path, {"Status": "ACTIVE"})) == [
        "An organisation can have 2 active tracking categories."
    ]


def test_an_account_that_is_used_is_archived_not_deleted(desk):
    """Journals count as use; a system account is neither."""
    ids = {row["Code"]: row["AccountID"] for row in desk.books.table("Accounts")}
    sold(desk)
    assert len(refused(desk.ask("DELETE", f"Accounts/{ids['200']}"))) == 1
    assert len(refused(desk.ask("DELETE", f"Accounts/{ids['820']}"))) == 1
    assert desk.ask("DELETE", f"Accounts/{ids['404']}")[0] == 200
    assert desk.ask("POST", f"Accounts/{ids['200']}", {"Status": "ARCHIVED"})[0] == 200
    assert refused(desk.ask("POST", f"Accounts/{ids['610']}", {"Status": "ARCHIVED"})) == [
        "A system account cannot be archived."
    ]


def test_groups_of_contacts_hold_members(desk):
    """The list has no members, one group has; a deleted group leaves its contacts and the list."""
    made = desk.made("ContactGroups", Name="Wholesale")
    path = f"ContactGroups/{made['ContactGroupID']}"
    assert desk.ask("PUT", f"{path}/Contacts", {"Contacts": [desk.contact]})[0] == 200
    assert desk.ask("GET", "ContactGroups")[1]["ContactGroups"][0]["Contacts"] == []
    assert desk.ask("GET", path)[1]["ContactGroups"][0]["Contacts"][0]["Name"] == "Blue Fern Ltd"
    own = desk.ask("GET", f"Contacts/{desk.contact['ContactID']}")[1]["Contacts"][0]
    assert [group["Name"] for group in own["ContactGroups"]] == ["Wholesale"]
    assert refused(desk.ask("PUT", "ContactGroups", {"Name": "wholesale"})) != []
    assert desk.ask("DELETE", f"{path}/Contacts/{desk.contact['ContactID']}")[0] == 204
    assert desk.ask("DELETE", f"{path}/Contacts/{desk.contact['ContactID']}")[0] == 404
    assert desk.ask("POST", path, {"Status": "DELETED"})[0] == 200
    assert desk.ask("GET", "ContactGroups")[1]["ContactGroups"] == []


def test_the_hundred_and_first_group_is_refused(desk):
    """In Xero's words."""
    for number in range(100):
        desk.made("ContactGroups", Name=f"Group {number}")
    assert refused(desk.ask("PUT", "ContactGroups", {"Name": "One more"})) == [
        "You’ve reached the limit of 100 contact groups."
    ]


def test_users_and_themes_are_read(desk):
    """One of each; a document's theme is the organisation's."""
    (user,) = desk.ask("GET", "Users")[1]["Users"]
    assert (user["EmailAddress"], user["IsSubscriber"]) == ("alex@example.com", True)
    assert desk.ask("GET", f"Users/{user['UserID']}")[1]["Users"] == [user]
    (theme,) = desk.ask("GET", "BrandingThemes")[1]["BrandingThemes"]
    assert sold(desk)["BrandingThemeID"] == theme["BrandingThemeID"]
    assert desk.ask("GET", "BrandingThemes/nope")[0] == 404
