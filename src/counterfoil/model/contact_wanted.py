"""The customer of a record as posting/ wants it: key, name, e-mail, and the Contacts element that would create it.

Called by flows/. The wire names are Xero's (facts 5.7; https://developer.xero.com/documentation/api/accounting/contacts,
read 2026-11). Nothing that Xero knows of an existing contact is ever changed by it.
"""

import functools
from typing import Any

from counterfoil.model.prepared import ContactWanted
from counterfoil.model.records import Address, Contact


@functools.lru_cache(1024)  # a customer's records often come together
def of(contact: Contact) -> ContactWanted:
    """The customer, with the element that creates it should Xero not have it."""
    given: dict[str, Any] = {
        "Name": contact.name,
        "ContactNumber": contact.external_id,
        "EmailAddress": contact.email,
        "FirstName": contact.first_name,
        "LastName": contact.last_name,
        "AccountNumber": contact.account_number,
        "TaxNumber": contact.tax_number,
        "CompanyNumber": contact.company_number,
    }
    element = {key: value for key, value in given.items() if value is not None}
    if contact.phone is not None:
        element["Phones"] = [{"PhoneType": "DEFAULT", "PhoneNumber": contact.phone}]
    addresses = [("STREET", contact.street_address), ("POBOX", contact.postal_address)]
    if any(address for _, address in addresses):
        element["Addresses"] = [_address(kind, address) for kind, address in addresses if address]
    return ContactWanted(contact.external_id, contact.name, contact.email, element)


def _address(kind: str, address: Address) -> dict[str, str]:
    given = {
        "AddressType": kind,
        "AttentionTo": address.attention_to,
        "AddressLine1": address.line1,
        "AddressLine2": address.line2,
        "AddressLine3": address.line3,
        "AddressLine4": address.line4,
        "City": address.city,
        "Region": address.region,
        "PostalCode": address.postal_code,
        "Country": address.country,
    }
    return {key: value for key, value in given.items() if value is not None}
