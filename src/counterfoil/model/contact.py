"""Contact: a customer or supplier, as Xero keeps it.

Called by xero/resources/contacts, mirror, posting. xero-facts §5.7, Appendices B and C
(https://developer.xero.com/documentation/api/accounting/contacts, read 2026-11).
"""

from counterfoil.model.record import Part, Record, Stamp


class Address(Part, frozen=True, kw_only=True, gc=False):
    """One address. `address_type` is POBOX or STREET."""

    address_type: str | None = None
    address_line1: str | None = None
    address_line2: str | None = None
    address_line3: str | None = None
    address_line4: str | None = None
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None
    attention_to: str | None = None


class Phone(Part, frozen=True, kw_only=True, gc=False):
    """One telephone number. `phone_type` is DEFAULT, DDI, MOBILE or FAX."""

    phone_type: str | None = None
    phone_number: str | None = None
    phone_area_code: str | None = None
    phone_country_code: str | None = None


class ContactPerson(Part, frozen=True, kw_only=True, gc=False):
    """One of at most five people of a contact."""

    first_name: str | None = None
    last_name: str | None = None
    email_address: str | None = None
    include_in_emails: bool | None = None


class Terms(Part, frozen=True, kw_only=True, gc=False):
    """When a document falls due: a number of days, or a day of a month, as `type` says."""

    day: int | None = None
    type: str | None = None


class PaymentTerms(Part, frozen=True, kw_only=True, gc=False):
    """Terms for what we buy and what we sell; Xero sends an empty object when none are set."""

    bills: Terms | None = None
    sales: Terms | None = None


class Contact(Record, frozen=True, kw_only=True, gc=False):
    """One contact. `contact_number` is the key that API users give; Xero's screen does not show it.

    Balances, IsCustomer and IsSupplier are left in `raw`: they change without moving `updated_date_utc` (facts §4.3).
    """

    contact_id: str
    contact_number: str | None = None
    account_number: str | None = None
    contact_status: str | None = None
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email_address: str | None = None
    company_number: str | None = None
    tax_number: str | None = None
    merged_to_contact_id: str | None = None
    default_currency: str | None = None
    accounts_receivable_tax_type: str | None = None
    accounts_payable_tax_type: str | None = None
    sales_default_account_code: str | None = None
    purchases_default_account_code: str | None = None
    addresses: tuple[Address, ...] = ()
    phones: tuple[Phone, ...] = ()
    contact_persons: tuple[ContactPerson, ...] = ()
    payment_terms: PaymentTerms | None = None
    has_attachments: bool | None = None
    updated_date_utc: Stamp | None = None
